"""Files that never change, named by what is in them: the SHA-256 of their bytes.

::

    begin(owner) -> Draft --write--> keep -> StoredFile(sha256, bytes)      (or discard, or drop(owner) after a crash)
                                              open, verify ... collect what nobody refers to

``port`` is what a store of files does, ``folder`` keeps them in a folder; an object store can come beside it. Equal
bytes are kept once, whoever wrote them. Records refer to files by their hash; ``collecting`` deletes those that no
record refers to any more.
"""
