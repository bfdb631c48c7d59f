// Event Grid's topic of the data account. Who subscribes to it depends on the network: see inbox-subscription.bicep.

param name string
param location string
param tags object

@description('Name of the data account.')
param sourceName string
param workspaceId string
param actionGroupId string

// Each failed try is in the logs; only these are the end of a drop.
var ends = [
  {
    name: 'undelivered-drops'
    metric: 'DeadLetteredCount'
  }
  {
    name: 'dropped-drops'
    metric: 'DroppedEventCount'
  }
]

resource source 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: sourceName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: source.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: topic
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
    ]
  }
}

resource alert 'Microsoft.Insights/metricAlerts@2018-03-01' = [for end in ends: {
  name: '${end.name}-${name}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Drops that Event Grid has given up'
    enabled: true
    severity: 1
    scopes: [topic.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: end.name
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: end.metric
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: [
      {
        actionGroupId: actionGroupId
      }
    ]
  }
}]

output name string = topic.name
output principalId string = topic.identity.principalId
