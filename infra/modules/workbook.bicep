// One page for operators: traffic, latency, errors, deployments side by side, jobs, schedules.

param token string
param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'slipway')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: 'Slipway ${token}'
    serializedData: replace(loadTextContent('../workbook.json'), '{workspaceId}', workspaceId)
    sourceId: workspaceId
  }
}
