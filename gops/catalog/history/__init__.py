"""What became of datasets since they were published: their revisions, and news of them."""
