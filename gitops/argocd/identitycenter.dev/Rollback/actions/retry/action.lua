-- Another attempt has a plan, an approval and a ledger record of its own.
obj.spec.attempt = (obj.spec.attempt or 1) + 1
return obj
