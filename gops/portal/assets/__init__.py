"""What the pages take from npm: the viewer of the API document, which is not kept in the repository."""
