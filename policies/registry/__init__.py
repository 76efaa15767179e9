"""The model store: numbered versions of a model, of which one is active.

STORE/store.json                     marks the folder as a store
STORE/active.json                    which version is active, which were before it, and every change of it
STORE/versions/0001/manifest.json    where the version came from, and the sha256 of each of its files
STORE/versions/0001/model/           the model folder (see `policies.bundle`); never changed

Wherever a model folder is asked for, a store stands for its active version.
"""
