// The second write of an online endpoint, once its deployments exist: who gets which part of the requests.

param workspaceName string

@description('Of the endpoint: 3 to 32 letters, digits and hyphens.')
param name string
param location string
param tags object

@description('traffic and mirror_traffic, as in azure-ml-endpoints.json.')
param endpoint object
param identityId string
param privateNetwork bool

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

resource online 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints@2025-12-01' = {
  parent: workspace
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    authMode: 'AADToken'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    traffic: endpoint.traffic
    mirrorTraffic: endpoint.mirror_traffic
  }
}

output scoringUri string = online.properties.scoringUri
