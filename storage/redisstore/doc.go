// Package redisstore keeps mfa.Records in Redis 7 or Valkey: one server, a group
// behind Sentinel, or a cluster. It is the expiring half of storage.Split.
// Credentials, and the budgets under mfa.KeepPrefix, belong in a database that
// loses nothing:
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
//	ceremonies, err := redisstore.New(client, redisstore.Options{})
//	// ...
//	store := storage.Split(durable, ceremonies)
//
// Set maxmemory-policy to noeviction: any other drops running ceremonies when
// the memory is full. [Store.Check] says at start-up if it is another, and what
// else is missing.
//
// Every write is one script that touches one key, and nothing is read first. A
// write is never sent again once it may have arrived: if the answer gets lost,
// the error is a fault, and the record may be written or not. The error wraps
// mfa.ErrBusy where it is known that Redis has not written and may do so later; a
// full memory (OOM) is a plain fault.
//
// Redis forgets a record one hour after it has expired, and one that was spent
// at once, so there is nothing to sweep. Manager.Sweep sweeps the other half.
//
// # When Redis loses everything
//
// A restart without persistence, or FLUSHALL, ends the ceremonies that are
// running: their answers are refused, and users begin again. Nothing else
// changes. Credentials, spent codes and used-up budgets are in the other half.
//
// # When a replica takes over
//
// Replication is asynchronous. A master that dies may take with it writes that
// it has acknowledged, and a spent ceremony is back on the new master. Then an
// answer whose only spending is the deletion of its ceremony can be given once
// more, by whoever has seen it, until the ceremony expires: that of a security
// key whose counter does not rise, a code that was delivered, or the
// confirmation of recovery codes that replace others. Codes of an authenticator
// app and recovery codes cannot: they are spent in the credential, which is in
// the other half.
//
// Options.WaitReplicas closes this. Every write, creations too, is followed by
// WAIT on the same connection, and fails if too few replicas acknowledge it in
// time. Such an answer is spent and not accepted: the user begins again. It
// costs a round trip between master and replica, and needs that many replicas
// up all the time. Wait for all replicas that may become master: one that has
// not acknowledged may take over, too. What all servers lose at once, as in a
// power failure without appendfsync always, WAIT does not keep.
package redisstore
