// Drops told by a storage queue, with the topic's identity: Event Grid cannot push to an app in a private network.
// Elsewhere hooks/postdeploy.sh subscribes the blob trigger's webhook, whose key exists only once the code is there.

param topicName string

@description('Resource id of the data account.')
param dataAccountId string

@description('Resource id of the host account.')
param hostAccountId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'inbox'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    deliveryWithResourceIdentity: {
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
