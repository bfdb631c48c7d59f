// Event Grid's topic of the data account. Who subscribes to it depends on the network: see inbox-subscription.bicep.

param name string
param location string
param tags object

@description('Name of the data account.')
param sourceName string
param workspaceId string

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

output name string = topic.name
output principalId string = topic.identity.principalId
