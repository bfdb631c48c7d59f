// Lets people and applications into the folders of single endpoints in one container, and nowhere else in it.

param accountName string

@description('Whose row of roles.json: dropper or reader.')
@allowed(['dropper', 'reader'])
param who string

@description('Each {object id}={endpoint}+{endpoint}…. Azure takes one assignment of a role for an id: all its endpoints are in one.')
param grants array

var table = loadJsonContent('../roles.json')
var row = table.people[who]
var role = contains(table.roles, row.role) ? table.roles[row.role] : guid(resourceGroup().id, row.role)
var blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'
var path = '@Resource[${blobs}:path] StringStartsWith'
var listed = '@Request[${blobs}:prefix] StringStartsWith'
var orPath = '/\' OR ${path} \''
var orListed = '/\' OR ${listed} \''
// What names a blob is held to its path; what lists blobs is held to the prefix that it asks for.
var touching = '!(ActionMatches{\'${blobs}/read\'} AND NOT SubOperationMatches{\'Blob.List\'}) AND !(ActionMatches{\'${blobs}/write\'}) AND !(ActionMatches{\'${blobs}/add/action\'}) AND !(ActionMatches{\'${blobs}/delete\'}) AND !(ActionMatches{\'${blobs}/move/action\'})'
var listing = '!(ActionMatches{\'${blobs}/read\'} AND SubOperationMatches{\'Blob.List\'})'

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: account
  name: 'default'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: blobService
  name: row.on
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for grant in grants: {
  scope: container
  name: guid(container.id, split(grant, '=')[0], role)
  properties: {
    principalId: split(grant, '=')[0]
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    description: row.why
    condition: '((${touching}) OR (${path} \'${replace(split(grant, '=')[1], '+', orPath)}/\')) AND ((${listing}) OR (${listed} \'${replace(split(grant, '=')[1], '+', orListed)}/\'))'
    conditionVersion: '2.0'
  }
}]
