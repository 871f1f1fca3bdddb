"""SQL that readers write (``?sql=``, ``_where=``): where it runs, what it may read, and how much of it there may be.

SQLite can be interrupted between two steps of a program only. One function may run for minutes, and preparing a
statement of a thousand characters may take a gigabyte. So each thread for readers has a process with a connection of
its own (``worker.py``), which the kernel ends when its time is over.
"""
