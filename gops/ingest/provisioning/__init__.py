"""Keeping Mosquitto's logins those of the records: by dynamic security, or by password and ACL files.

``logins`` reads who is to be let in; ``dynsec`` and ``files`` bring a broker there; ``service`` does so in time.
"""
