// Lets the app of one region into an Azure ML workspace.

param workspaceName string

@description('Object id of the app\'s identity.')
param principalId string

var table = loadJsonContent('../roles.json')

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

resource ofApp 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for row in table.workspaceOfApps: {
  scope: workspace
  name: guid(workspace.id, principalId, table.roles[row.role])
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', table.roles[row.role])
    description: row.why
  }
}]
