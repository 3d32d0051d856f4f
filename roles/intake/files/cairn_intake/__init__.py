"""What runs on a node between modalities and archive: receive, de-identify, pass on.

It is installed on the host as plain files beside pydicom and pynetdicom, and imports nothing of
`cairn`: the host does not have it, and who reads this package has read all that touches an image.
"""

VERSION = "1"
