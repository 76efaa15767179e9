"""Replies to customers from what operators of this organisation wrote before, filled from the page, always for a person to see.

A sent message is cut where it names something of the page (`policies.templates`) and kept with the situation it was written in.
On a new page the messages of the most similar situations are filled again; one with a slot that this page cannot fill is not
offered. Sending a message is a critical action, whoever wrote it.
"""
