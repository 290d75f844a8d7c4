"""Where secret values are found: the environment, files, and files in the repository that SOPS encrypted.

Belongs here: finding and decrypting values. Does not: who needs one, and what for.
"""
