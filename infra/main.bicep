// Slipway in Azure: one resource group with a stamp for each region, and what all of them share. Wiring only.

targetScope = 'subscription'

@description('Name of the environment; a part of the names of all that is made.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('The first region. Monitoring and Azure ML are there.')
param location string

@description('Further regions, comma separated. With one of them Front Door comes before all, in public mode.')
param furtherLocations string = ''

@description('Object id of whoever deploys; azd fills it in.')
param principalId string = ''

// The app

@description('Memory of an instance, MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances of a region.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('HTTP instances that never leave, in each region.')
@minValue(0)
param alwaysReadyHttp int = 0

@description('Instances for drops that never leave, in each region.')
@minValue(0)
param alwaysReadyBlob int = 0

@description('Instances for batch jobs that never leave, in each region.')
@minValue(0)
param alwaysReadyDurable int = 0

@description('Requests that an instance works on at once before another one starts.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 32

@description('Spreads the instances over the zones of a region.')
param zoneRedundant bool = false

@description('Where the durable engine keeps its state.')
@allowed(['AzureStorage', 'DurableTaskScheduler'])
param durableBackend string = 'AzureStorage'

@description('When schedules and unfinished jobs are looked at (NCRONTAB, six fields, UTC). It wakes an instance each time.')
param tickSchedule string = '0 * * * * *'

@description('Which part of the requests is traced, 0 to 1.')
param traceRatio string = '1.0'

@description('From where models that run code may be published: how their addresses begin, comma separated. Empty: from anywhere.')
param codeSources string = ''

@description('Blob addresses of further storage accounts that jobs may read and write, comma separated.')
param accounts string = ''

@description('Endpoint of an Event Grid topic that is told of finished jobs too.')
param eventGridTopic string = ''

@description('Host names of front doors of your own before the app, comma separated.')
param publicHosts string = ''

// Storage

@description('Redundancy of the storage accounts.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS', 'Standard_RAGZRS'])
param storageRedundancy string = 'Standard_ZRS'

@description('Days for which deleted blobs and containers can be brought back.')
@minValue(1)
@maxValue(365)
param softDeleteDays int = 14

@description('Days after which the documents of jobs are forgotten. Their outputs stay.')
@minValue(30)
param jobDays int = 400

// Who may call, publish, drop and read

@description('The Entra tenant whose tokens are taken.')
param tenantId string = tenant().tenantId

@description('Client id of the Entra application; hooks/preprovision.sh makes it.')
param clientId string = ''

@description('Client ids of applications that may call with app-only tokens, comma separated. Empty: every holder of a role.')
param allowedClients string = ''

@description('Whether whoever deploys may upload models.')
param deployerPublishes bool = true

@description('Object ids of people, groups and applications that may upload models, comma separated.')
param publishers string = ''

@description('Who may drop files: {object id}={endpoint}, comma separated; several endpoints of one id: {endpoint}+{endpoint}.')
param droppers string = ''

@description('Who may read predictions, written like SLIPWAY_DROPPERS.')
param readers string = ''

// Network

@description('Keeps all traffic inside virtual networks: private endpoints, and no public access.')
param privateNetwork bool = false

@description('First two numbers of the virtual networks\' addresses; each region takes a /24.')
param networkPrefix string = '10.70'

@description('In public mode: address ranges that may call the app beside Event Grid and Front Door, comma separated. Empty: everybody.')
param allowedAddresses string = ''

// Monitoring

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('What is taken of logs in a day, GB; -1: anything.')
param logDailyCapGB int = 5

@description('Mail addresses that alerts and the budget tell, comma separated.')
param alertMails string = ''

@description('Budget of a month, in the currency of the subscription; 0: none.')
@minValue(0)
param monthlyBudget int = 0

@description('First month of the budget, yyyy-MM-01; hooks/preprovision.sh looks it up.')
param budgetStart string = utcNow('yyyy-MM-01')

// Azure ML

@description('Makes an Azure ML workspace with the endpoints of azure-ml-endpoints.json, in the first region.')
param azureMl bool = false

@description('Size of the machines of Azure ML\'s batch cluster.')
param clusterSize string = 'Standard_DS3_v2'

@description('Most machines of Azure ML\'s batch cluster.')
@minValue(1)
param clusterNodes int = 2

@description('Azure ML\'s endpoints are new, or their traffic names new deployments: it is written after them alone.')
param azureMlFirstTime bool = false

@description('Brings back the key vault that an earlier environment of this name left deleted.')
param recoverVault bool = false

var tags = {
  'azd-env-name': environmentName
}
var token = toLower(uniqueString(subscription().id, environmentName, location))
var regions = empty(furtherLocations) ? [location] : concat([location], split(replace(furtherLocations, ' ', ''), ','))
// Its tier Standard cannot reach into a private network.
var behindFrontDoor = length(regions) > 1 && !privateNetwork
var suffix = environment().suffixes.storage
var storageServices = ['blob', 'queue', 'table']
var storageZones = [for service in storageServices: {
  service: service
  zone: 'privatelink.${service}.${suffix}'
}]
var storageZoneNames = [for service in storageServices: 'privatelink.${service}.${suffix}']
var appZone = 'privatelink.azurewebsites.net'
var vaultZone = 'privatelink.vaultcore.azure.net'
var azureMlZones = ['privatelink.api.azureml.ms', 'privatelink.notebooks.azure.net']
var appZones = concat(storageZoneNames, [appZone])
var zones = azureMl ? concat(appZones, [vaultZone], azureMlZones) : appZones
var readyHttp = alwaysReadyHttp > 0 ? [{ name: 'http', instanceCount: alwaysReadyHttp }] : []
var readyBlob = alwaysReadyBlob > 0 ? [{ name: 'blob', instanceCount: alwaysReadyBlob }] : []
var readyDurable = alwaysReadyDurable > 0 ? [{ name: 'durable', instanceCount: alwaysReadyDurable }] : []
var deployers = deployerPublishes && !empty(principalId) ? [principalId] : []

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    token: token
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGB: logDailyCapGB
    alertMails: empty(alertMails) ? [] : split(replace(alertMails, ' ', ''), ',')
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    token: token
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    actionGroupId: monitoring.outputs.actionGroupId
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  name: 'workbook'
  params: {
    token: token
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0) {
  scope: group
  name: 'budget'
  params: {
    name: 'slipway'
    monthlyAmount: max(monthlyBudget, 1)
    startDate: budgetStart
    actionGroupId: monitoring.outputs.actionGroupId
  }
}

module dnsZones 'modules/dns-zones.bicep' = if (privateNetwork) {
  scope: group
  name: 'dns-zones'
  params: {
    zones: zones
    tags: tags
  }
}

module frontDoor 'modules/front-door.bicep' = if (behindFrontDoor) {
  scope: group
  name: 'front-door'
  params: {
    name: 'afd-${token}'
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module customRoles 'modules/custom-roles.bicep' = {
  scope: group
  name: 'custom-roles'
  params: {
    token: token
  }
}

module stamps 'modules/stamp.bicep' = [for (region, i) in regions: {
  scope: group
  name: 'stamp-${region}'
  dependsOn: [customRoles, dnsZones]
  params: {
    token: i == 0 ? token : toLower(uniqueString(subscription().id, environmentName, region))
    location: region
    tags: tags
    // azd finds the one app that it deploys to by this tag; hooks/postdeploy.sh brings the code to the other regions.
    appTags: i == 0 ? { 'azd-service-name': 'slipway' } : { 'slipway-region': region }
    size: {
      instanceMemoryMB: instanceMemoryMB
      maximumInstanceCount: maximumInstanceCount
      alwaysReady: concat(readyHttp, readyBlob, readyDurable)
      httpConcurrency: httpConcurrency
      zoneRedundant: zoneRedundant
      storageRedundancy: storageRedundancy
      softDeleteDays: softDeleteDays
      jobDays: jobDays
    }
    entra: {
      tenantId: tenantId
      audiences: 'api://${clientId},${clientId}'
      allowedClients: allowedClients
      requiredScope: 'user_impersonation'
    }
    told: {
      accounts: accounts
      eventGridTopic: eventGridTopic
      publicHosts: publicHosts
      codeSources: codeSources
      tickSchedule: tickSchedule
      traceRatio: traceRatio
    }
    durableBackend: durableBackend
    people: {
      publishers: union(deployers, empty(publishers) ? [] : split(replace(publishers, ' ', ''), ','))
      droppers: empty(droppers) ? [] : split(replace(droppers, ' ', ''), ',')
      readers: empty(readers) ? [] : split(replace(readers, ' ', ''), ',')
    }
    privateNetwork: privateNetwork
    addresses: '${networkPrefix}.${i}'
    zones: {
      storage: storageZones
      app: appZone
      all: zones
    }
    allowedAddresses: empty(allowedAddresses) ? [] : split(replace(allowedAddresses, ' ', ''), ',')
    frontDoorId: behindFrontDoor ? frontDoor.outputs.frontDoorId : ''
    monitoring: {
      workspaceId: monitoring.outputs.workspaceId
      actionGroupId: monitoring.outputs.actionGroupId
      insightsName: monitoring.outputs.insightsName
      insightsConnectionString: monitoring.outputs.insightsConnectionString
    }
  }
}]

module frontDoorRegions 'modules/front-door-regions.bicep' = if (behindFrontDoor) {
  scope: group
  name: 'front-door-regions'
  params: {
    name: 'afd-${token}'
    hosts: [for (region, i) in regions: stamps[i].outputs.appHost]
  }
}

module azureMlEndpoints 'modules/azure-ml.bicep' = if (azureMl) {
  scope: group
  name: 'azure-ml'
  params: {
    token: token
    location: location
    tags: tags
    privateNetwork: privateNetwork
    endpointsSubnetId: stamps[0].outputs.endpointsSubnetId
    workspaceZones: azureMlZones
    vaultZone: vaultZone
    storageZones: storageZones
    workspaceId: monitoring.outputs.workspaceId
    insightsId: monitoring.outputs.insightsId
    clusterSize: clusterSize
    clusterNodes: clusterNodes
    recoverVault: recoverVault
    firstTime: azureMlFirstTime
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_TENANT_ID string = tenantId
output SLIPWAY_URL string = 'https://${behindFrontDoor ? frontDoor.outputs.hostName : stamps[0].outputs.appHost}'
output SLIPWAY_AUDIENCE string = 'api://${clientId}'
output SLIPWAY_APPS array = [for (region, i) in regions: stamps[i].outputs.appName]
output SLIPWAY_STORAGE string = stamps[0].outputs.dataBlobUri
output SLIPWAY_STORAGES array = [for (region, i) in regions: stamps[i].outputs.dataBlobUri]
output SLIPWAY_TOPICS array = [for (region, i) in regions: stamps[i].outputs.topicName]
output SLIPWAY_HOST_ACCOUNTS array = [for (region, i) in regions: stamps[i].outputs.hostAccountName]
output SLIPWAY_AZURE_ML_ENDPOINTS array = azureMl ? azureMlEndpoints.outputs.endpoints : []
output SLIPWAY_PRIVATE_NETWORK bool = privateNetwork
