// Azure ML's side, where it is asked for: a workspace, and endpoints of the same names as the app's.

param token string
param location string
param tags object
param privateNetwork bool

@description('Subnet of private endpoints; empty in public mode.')
param endpointsSubnetId string

@description('Names of the private DNS zones of a workspace, and of a vault.')
param workspaceZones array
param vaultZone string

@description('Name and private DNS zone of each storage service.')
param storageZones array
param workspaceId string
param insightsId string

@description('Brings the deleted vault back, whose name is still taken.')
param recoverVault bool

@description('Makes the endpoints without traffic, which comes once their deployments exist.')
param firstTime bool

@description('Size of the batch cluster\'s machines, and how many there may be.')
param clusterSize string
param clusterNodes int

var endpoints = loadJsonContent('../azure-ml-endpoints.json')
var ofStorage = privateNetwork ? storageZones : []
// Names of endpoints are unique in a region of Azure, whoever has them.
var suffix = substring(token, 0, 5)
var vaultName = 'kv-${token}'
var accountName = 'stml${token}'

module account 'storage-account.bicep' = {
  name: 'azure-ml-account'
  params: {
    name: accountName
    location: location
    tags: tags
    sku: 'Standard_LRS'
    containers: []
    queues: []
    privateNetwork: privateNetwork
    softDeleteDays: 7
    workspaceId: workspaceId
    blobLogs: ['StorageDelete']
  }
}

module vault 'key-vault.bicep' = {
  name: 'azure-ml-vault'
  params: {
    name: vaultName
    location: location
    tags: tags
    recover: recoverVault
    privateNetwork: privateNetwork
    workspaceId: workspaceId
  }
}

module identity 'identity.bicep' = {
  name: 'azure-ml-online-identity'
  params: {
    name: 'id-online-${token}'
    location: location
    tags: tags
  }
}

module workspace 'azure-ml-workspace.bicep' = {
  name: 'azure-ml-workspace'
  dependsOn: [account]
  params: {
    name: 'mlw-${token}'
    location: location
    tags: tags
    storageAccountName: accountName
    keyVaultId: vault.outputs.id
    insightsId: insightsId
    privateNetwork: privateNetwork
    workspaceId: workspaceId
    clusterSize: clusterSize
    clusterNodes: clusterNodes
    principals: {
      online: identity.outputs.principalId
    }
  }
}

module ofAccount 'private-endpoint.bicep' = [for each in ofStorage: {
  name: 'azure-ml-account-${each.service}'
  params: {
    name: 'pe-${accountName}-${each.service}'
    location: location
    tags: tags
    subnetId: endpointsSubnetId
    targetId: account.outputs.id
    groupId: each.service
    zones: [each.zone]
  }
}]

module ofVault 'private-endpoint.bicep' = if (privateNetwork) {
  name: 'azure-ml-vault-endpoint'
  params: {
    name: 'pe-${vaultName}'
    location: location
    tags: tags
    subnetId: endpointsSubnetId
    targetId: vault.outputs.id
    groupId: 'vault'
    zones: [vaultZone]
  }
}

module ofWorkspace 'private-endpoint.bicep' = if (privateNetwork) {
  name: 'azure-ml-workspace-endpoint'
  params: {
    name: 'pe-mlw-${token}'
    location: location
    tags: tags
    subnetId: endpointsSubnetId
    targetId: workspace.outputs.id
    groupId: 'amlworkspace'
    zones: workspaceZones
  }
}

module online 'online-endpoint.bicep' = [for endpoint in endpoints: {
  name: 'online-${endpoint.name}'
  params: {
    workspaceName: workspace.outputs.name
    name: '${endpoint.name}-${suffix}'
    location: location
    tags: tags
    endpoint: endpoint
    identityId: identity.outputs.id
    privateNetwork: privateNetwork
    firstTime: firstTime
    workspaceId: workspaceId
  }
}]

module traffic 'online-traffic.bicep' = [for endpoint in endpoints: {
  name: 'traffic-${endpoint.name}'
  dependsOn: [online]
  params: {
    workspaceName: workspace.outputs.name
    name: '${endpoint.name}-${suffix}'
    location: location
    tags: tags
    endpoint: endpoint
    identityId: identity.outputs.id
    privateNetwork: privateNetwork
  }
}]

module batch 'batch-endpoint.bicep' = [for endpoint in endpoints: {
  name: 'batch-${endpoint.name}'
  params: {
    workspaceName: workspace.outputs.name
    name: '${endpoint.name}-${suffix}-batch'
    location: location
    tags: tags
    endpoint: endpoint
    clusterId: workspace.outputs.clusterId
  }
}]

output endpoints array = [for endpoint in endpoints: '${endpoint.name}-${suffix}']
