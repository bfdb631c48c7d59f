// Roles for people that no built-in one is narrow enough for: Storage Blob Data Contributor can delete its container.

@description('A part of the roles\' names: they are unique in the directory.')
param token string

var table = loadJsonContent('../roles.json')
var groupId = resourceGroup().id
var containers = 'Microsoft.Storage/storageAccounts/blobServices/containers'

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [for each in items(table.custom): {
  name: guid(groupId, each.key)
  properties: {
    roleName: '${each.key} ${token}'
    description: each.value.why
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: ['${containers}/read']
        notActions: []
        dataActions: [for action in each.value.blobs: '${containers}/blobs/${action}']
        notDataActions: []
      }
    ]
  }
}]
