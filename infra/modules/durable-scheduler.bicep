// The Durable Task Scheduler with its task hub, where it is the durable engine's backend instead of Azure Storage.

param name string
param location string
param tags object

@description('Object ids of the identities, by the name that roles.json has for them: app.')
param principals object

var table = loadJsonContent('../roles.json')

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    // Only identities are let in; the app's addresses are not known beforehand.
    ipAllowlist: ['0.0.0.0/0']
    sku: {
      name: 'Consumption'
    }
  }
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: 'slipway'
  properties: {}
}

resource onScheduler 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for row in table.scheduler: {
  scope: scheduler
  name: guid(scheduler.id, principals[row.who], table.roles[row.role])
  properties: {
    principalId: principals[row.who]
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', table.roles[row.role])
    description: row.why
  }
}]

output address string = scheduler.properties.endpoint
