"""How much is asked of GOPS: day quotas of who asks, and counts of use by day, dataset and publisher."""
