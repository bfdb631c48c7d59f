// Has Event Grid tell of drops: by the blob trigger's webhook, or, as it cannot push to an app in a private network, by a
// storage queue, with the topic's identity.

param topicName string

@description('Resource id of the host account.')
param hostAccountId string

@description('Address of the webhook with its key, which exists only once the code is there: hooks/subscribe.sh has it. Empty: a queue.')
@secure()
param webhook string = ''

@description('Resource id of the data account, which has the queue.')
param dataAccountId string = ''

var byWebhook = {
  endpointType: 'WebHook'
  properties: {
    endpointUrl: webhook
  }
}
var byQueue = {
  identity: {
    type: 'SystemAssigned'
  }
  destination: {
    endpointType: 'StorageQueue'
    properties: {
      resourceId: dataAccountId
      queueName: 'inbox-events'
      queueMessageTimeToLiveInSeconds: 604800
    }
  }
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'inbox'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: empty(webhook) ? null : byWebhook
    deliveryWithResourceIdentity: empty(webhook) ? byQueue : null
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: hostAccountId
          blobContainerName: 'undelivered'
        }
      }
    }
    // Only calls that leave a whole file; and with its last slash, as inbox2/… is none of ours.
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      isSubjectCaseSensitive: true
      subjectBeginsWith: '/blobServices/default/containers/inbox/'
      advancedFilters: [
        {
          key: 'data.api'
          operatorType: 'StringIn'
          values: ['CopyBlob', 'FlushWithClose', 'PutBlob', 'PutBlockList']
        }
      ]
    }
    retryPolicy: {
      eventTimeToLiveInMinutes: 1440
      maxDeliveryAttempts: 30
    }
  }
}
