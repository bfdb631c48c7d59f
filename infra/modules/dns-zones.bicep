// The private DNS zones, one set for all regions.

param zones array
param tags object

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [for each in zones: {
  name: each
  location: 'global'
  tags: tags
}]
