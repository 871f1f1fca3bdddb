"""rebuilderd's read-only API over our database: a path is a file of SQL, its answer JSON of the daemon's shape.

Who is asked about is part of the path: ``/r/NAME/api/v1/…`` is one rebuilder, with
upstream's ids, ``/api/v1/…`` all of them, with ours. ``routes`` says which paths there are.
"""
