// All of one region: the app, its identity, its two storage accounts, and what tells it of drops.

@description('Unique to the environment and the region: a part of every name.')
param token string
param location string
param tags object

@description('Tags of the app beside the others.')
param appTags object

@description('instanceMemoryMB, maximumInstanceCount, alwaysReady, httpConcurrency, zoneRedundant, storageRedundancy, softDeleteDays, jobDays.')
param size object

@description('tenantId, audiences, allowedClients, requiredScope of the Entra application.')
param entra object

@description('accounts, eventGridTopic, publicHosts, codeSources, tickSchedule, traceRatio: what the app is told.')
param told object

@allowed(['AzureStorage', 'DurableTaskScheduler'])
param durableBackend string

@description('publishers: object ids; droppers and readers: each {object id}={endpoint}.')
param people object

param privateNetwork bool

@description('First three numbers of the network\'s /24, in a private network.')
param addresses string

@description('storage: service and zone of each storage service; app: zone of the app; all: every zone.')
param zones object

@description('Address ranges that may call the app; empty: everybody.')
param allowedAddresses array

@description('The Front Door that may call the app; empty: none.')
param frontDoorId string

@description('workspaceId, actionGroupId, insightsName, insightsConnectionString.')
param monitoring object

var hostAccountName = 'sthost${token}'
var dataAccountName = 'stdata${token}'
var packages = 'packages'
var usesScheduler = durableBackend == 'DurableTaskScheduler'
var storageZones = privateNetwork ? zones.storage : []

module identity 'identity.bicep' = {
  name: 'identity-${token}'
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module network 'network.bicep' = if (privateNetwork) {
  name: 'network-${token}'
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    addresses: addresses
    zones: zones.all
  }
}

module hostAccount 'storage-account.bicep' = {
  name: 'host-account-${token}'
  params: {
    name: hostAccountName
    location: location
    tags: tags
    sku: size.storageRedundancy
    containers: [packages, 'undelivered']
    queues: []
    privateNetwork: privateNetwork
    // Nothing in it is worth bringing back, and much of it is written over all the time.
    softDeleteDays: 1
    workspaceId: monitoring.workspaceId
    // Its leases are written every few seconds.
    blobLogs: ['StorageDelete']
  }
}

module dataAccount 'storage-account.bicep' = {
  name: 'data-account-${token}'
  params: {
    name: dataAccountName
    location: location
    tags: tags
    sku: size.storageRedundancy
    containers: ['models', 'endpoints', 'schedules', 'audit', 'inbox', 'jobs', 'staging', 'predictions', 'capture', 'metrics']
    queues: ['inbox-events', 'job-events']
    privateNetwork: privateNetwork
    softDeleteDays: size.softDeleteDays
    workspaceId: monitoring.workspaceId
    blobLogs: ['StorageWrite', 'StorageDelete']
  }
}

module lifecycle 'lifecycle.bicep' = {
  name: 'lifecycle-${token}'
  dependsOn: [dataAccount]
  params: {
    storageAccountName: dataAccountName
    jobDays: size.jobDays
  }
}

module topic 'event-topic.bicep' = {
  name: 'topic-${token}'
  dependsOn: [dataAccount]
  params: {
    name: 'evgt-${token}'
    location: location
    tags: tags
    sourceName: dataAccountName
    workspaceId: monitoring.workspaceId
    actionGroupId: monitoring.actionGroupId
  }
}

module roles 'role-assignments.bicep' = {
  name: 'roles-${token}'
  dependsOn: [hostAccount, dataAccount]
  params: {
    hostAccountName: hostAccountName
    dataAccountName: dataAccountName
    insightsName: monitoring.insightsName
    principals: {
      app: identity.outputs.principalId
      events: topic.outputs.principalId
    }
    people: people
  }
}

module subscription 'inbox-subscription.bicep' = if (privateNetwork) {
  name: 'subscription-${token}'
  dependsOn: [roles]
  params: {
    topicName: topic.outputs.name
    dataAccountId: dataAccount.outputs.id
    hostAccountId: hostAccount.outputs.id
  }
}

module scheduler 'durable-scheduler.bicep' = if (usesScheduler) {
  name: 'scheduler-${token}'
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    principals: {
      app: identity.outputs.principalId
    }
  }
}

module settings 'app-settings.bicep' = {
  name: 'settings-${token}'
  params: {
    hostBlobUri: hostAccount.outputs.blobUri
    hostQueueUri: hostAccount.outputs.queueUri
    hostTableUri: hostAccount.outputs.tableUri
    dataBlobUri: dataAccount.outputs.blobUri
    dataQueueUri: dataAccount.outputs.queueUri
    clientId: identity.outputs.clientId
    insightsConnectionString: monitoring.insightsConnectionString
    privateNetwork: privateNetwork
    entra: entra
    told: told
    schedulerAddress: usesScheduler ? scheduler.outputs.address : ''
  }
}

module app 'function-app.bicep' = {
  name: 'app-${token}'
  dependsOn: [roles]
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: union(tags, appTags)
    identityId: identity.outputs.id
    packageContainerUri: '${hostAccount.outputs.blobUri}${packages}'
    settings: settings.outputs.settings
    instanceMemoryMB: size.instanceMemoryMB
    maximumInstanceCount: size.maximumInstanceCount
    alwaysReady: size.alwaysReady
    httpConcurrency: size.httpConcurrency
    zoneRedundant: size.zoneRedundant
    subnetId: privateNetwork ? network.outputs.appSubnetId : ''
    privateNetwork: privateNetwork
    allowedAddresses: allowedAddresses
    frontDoorId: frontDoorId
    workspaceId: monitoring.workspaceId
  }
}

module ofHostAccount 'private-endpoint.bicep' = [for each in storageZones: {
  name: 'host-${each.service}-${token}'
  params: {
    name: 'pe-${hostAccountName}-${each.service}'
    location: location
    tags: tags
    subnetId: network.outputs.endpointsSubnetId
    targetId: hostAccount.outputs.id
    groupId: each.service
    zones: [each.zone]
  }
}]

module ofDataAccount 'private-endpoint.bicep' = [for each in storageZones: {
  name: 'data-${each.service}-${token}'
  params: {
    name: 'pe-${dataAccountName}-${each.service}'
    location: location
    tags: tags
    subnetId: network.outputs.endpointsSubnetId
    targetId: dataAccount.outputs.id
    groupId: each.service
    zones: [each.zone]
  }
}]

module ofApp 'private-endpoint.bicep' = if (privateNetwork) {
  name: 'app-endpoint-${token}'
  params: {
    name: 'pe-func-${token}'
    location: location
    tags: tags
    subnetId: network.outputs.endpointsSubnetId
    targetId: app.outputs.id
    groupId: 'sites'
    zones: [zones.app]
  }
}

output appName string = app.outputs.name
output appHost string = app.outputs.hostName
output dataAccountName string = dataAccountName
output dataBlobUri string = dataAccount.outputs.blobUri
output topicName string = topic.outputs.name
output hostAccountName string = hostAccountName
output endpointsSubnetId string = privateNetwork ? network.outputs.endpointsSubnetId : ''
