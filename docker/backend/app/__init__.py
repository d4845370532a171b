"""The IndiVillage.com backend: contact forms, career uploads, health and version.

Read `main.py` first: it wires everything. Each endpoint has a module of its own; Postgres, Redis and S3 are each spoken
to in one module only (`database.py`, `rate_limit.py`, `objects.py`).
"""
