// Who may do what on the storage accounts and in Application Insights: one loop for each kind of resource over roles.json.

param hostAccountName string
param dataAccountName string
param insightsName string

@description('Object ids of the identities, by the name that roles.json has for them: app, events.')
param principals object

@description('publishers: object ids of those who upload models; droppers and readers: each {object id}={endpoint}.')
param people object

var table = loadJsonContent('../roles.json')
var definitions = 'Microsoft.Authorization/roleDefinitions'
var publisherRole = guid(resourceGroup().id, table.people.publisher.role)

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostAccountName
}

resource dataAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: dataAccountName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: hostAccount
  name: 'default'
}

resource dataBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: dataAccount
  name: 'default'
}

resource dataQueues 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: dataAccount
  name: 'default'
}

resource hostContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = [for row in table.hostContainers: {
  parent: hostBlobs
  name: row.on
}]

resource dataContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = [for row in table.dataContainers: {
  parent: dataBlobs
  name: row.on
}]

resource dataQueue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = [for row in table.dataQueues: {
  parent: dataQueues
  name: row.on
}]

resource models 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: dataBlobs
  name: table.people.publisher.on
}

resource onHostAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for row in table.hostAccount: {
  scope: hostAccount
  name: guid(hostAccount.id, principals[row.who], table.roles[row.role])
  properties: {
    principalId: principals[row.who]
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, table.roles[row.role])
    description: row.why
  }
}]

resource onHostContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (row, i) in table.hostContainers: {
  scope: hostContainer[i]
  name: guid(hostContainer[i].id, principals[row.who], table.roles[row.role])
  properties: {
    principalId: principals[row.who]
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, table.roles[row.role])
    description: row.why
  }
}]

resource onDataAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for row in table.dataAccount: {
  scope: dataAccount
  name: guid(dataAccount.id, principals[row.who], table.roles[row.role])
  properties: {
    principalId: principals[row.who]
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, table.roles[row.role])
    description: row.why
  }
}]

resource onDataContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (row, i) in table.dataContainers: {
  scope: dataContainer[i]
  name: guid(dataContainer[i].id, principals[row.who], table.roles[row.role])
  properties: {
    principalId: principals[row.who]
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, table.roles[row.role])
    description: row.why
  }
}]

resource onDataQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (row, i) in table.dataQueues: {
  scope: dataQueue[i]
  name: guid(dataQueue[i].id, principals[row.who], table.roles[row.role])
  properties: {
    principalId: principals[row.who]
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, table.roles[row.role])
    description: row.why
  }
}]

resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for row in table.insights: {
  scope: insights
  name: guid(insights.id, principals[row.who], table.roles[row.role])
  properties: {
    principalId: principals[row.who]
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, table.roles[row.role])
    description: row.why
  }
}]

resource onModels 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for publisher in people.publishers: {
  scope: models
  name: guid(models.id, publisher, publisherRole)
  properties: {
    principalId: publisher
    roleDefinitionId: subscriptionResourceId(definitions, publisherRole)
    description: table.people.publisher.why
  }
}]

module droppers 'endpoint-grant.bicep' = {
  name: 'droppers-${dataAccountName}'
  params: {
    accountName: dataAccountName
    who: 'dropper'
    grants: people.droppers
  }
}

module readers 'endpoint-grant.bicep' = {
  name: 'readers-${dataAccountName}'
  params: {
    accountName: dataAccountName
    who: 'reader'
    grants: people.readers
  }
}
