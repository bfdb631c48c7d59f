// An Azure ML workspace whose datastores are opened by identities, with a cluster that has no nodes while nothing runs.

param name string
param location string
param tags object
param storageAccountName string
param keyVaultId string
param insightsId string
param privateNetwork bool
param workspaceId string

@description('Size of the cluster\'s machines.')
param clusterSize string

@description('Most machines of the cluster.')
@minValue(1)
param clusterNodes int

@description('Object ids of the identities, by the name that roles.json has for them: online.')
param principals object

var table = loadJsonContent('../roles.json')
var definitions = 'Microsoft.Authorization/roleDefinitions'
var all = union(principals, {
  cluster: cluster.identity.principalId
})

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  sku: {
    name: 'Basic'
    tier: 'Basic'
  }
  properties: {
    applicationInsights: insightsId
    keyVault: keyVaultId
    storageAccount: account.id
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    systemDatastoresAuthMode: 'Identity'
    managedNetwork: {
      isolationMode: privateNetwork ? 'AllowInternetOutbound' : 'Disabled'
    }
  }
}

resource cluster 'Microsoft.MachineLearningServices/workspaces/computes@2025-12-01' = {
  parent: workspace
  name: 'batch'
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      enableNodePublicIp: !privateNetwork
      osType: 'Linux'
      remoteLoginPortPublicAccess: 'Disabled'
      vmPriority: 'LowPriority'
      vmSize: clusterSize
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: clusterNodes
        nodeIdleTimeBeforeScaleDown: 'PT5M'
      }
    }
  }
}

// The cluster's identity is known only once it is made, too late for a name.
resource onAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for row in table.workspaceAccount: {
  scope: account
  name: guid(account.id, contains(principals, row.who) ? principals[row.who] : row.who, table.roles[row.role])
  properties: {
    principalId: all[row.who]
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, table.roles[row.role])
    description: row.why
  }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: workspace
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AmlComputeClusterEvent'
        enabled: true
      }
      {
        category: 'AmlRunStatusChangedEvent'
        enabled: true
      }
    ]
  }
}

output id string = workspace.id
output name string = workspace.name
output clusterId string = cluster.id
