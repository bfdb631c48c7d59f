// A private endpoint to one part of a resource, with its name in the private DNS zones.

param name string
param location string
param tags object
param subnetId string

@description('Resource id of what is reached through it.')
param targetId string

@description('Which part: blob, queue, table, sites, vault or amlworkspace.')
param groupId string

@description('Names of the private DNS zones.')
param zones array

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: name
        properties: {
          privateLinkServiceId: targetId
          groupIds: [groupId]
        }
      }
    ]
  }
}

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [for each in zones: {
      name: replace(each, '.', '-')
      properties: {
        privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', each)
      }
    }]
  }
}
