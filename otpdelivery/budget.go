package otpdelivery

import (
	"encoding/base64"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// dayShards is over how many rows the count of a day is spread, so that it is
// not one row that everybody waits for.
const dayShards = 16

// charges are the budgets of one message. Those of sign-ins, which anybody may
// ask for, are apart: nobody without a first factor takes anything from who
// has one.
func (f *Factor) charges(r factor.Request, address string) []factor.Charge {
	scope := string(f.channel) + "/second/"
	user := r.User.ID
	if r.Purpose == factor.PurposeSignIn {
		scope = string(f.channel) + "/first/"
		if r.Decoy != nil {
			user = "decoy/" + base64.RawURLEncoding.EncodeToString(r.Decoy)
		}
	}
	l := f.cfg.Limits
	charges := []factor.Charge{
		{Key: scope + "ceremony/" + r.Ceremony, N: 1, Per: l.Cooldown},
		{Key: scope + "user/" + user, N: l.PerUser, Per: time.Hour},
		{Key: scope + "address/" + f.channelOf(address), N: l.PerAddress, Per: time.Hour},
	}
	if f.channel == SMS {
		charges = append(charges, factor.Charge{Key: scope + "prefix/" + address[:max(0, len(address)-4)], N: l.PerPrefix, Per: 24 * time.Hour})
	}
	shards := min(dayShards, l.PerDay)
	shard := shardOf(r.Ceremony, shards)
	n := l.PerDay / shards
	if shard < l.PerDay%shards {
		n++
	}
	return append(charges, factor.Charge{Key: scope + "day/" + strconv.Itoa(shard), N: n, Per: 24 * time.Hour})
}

// shardOf spreads ceremonies evenly: their ids are random.
func shardOf(ceremony string, shards int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(ceremony)) // never fails (hash.Hash)
	return int(h.Sum32() % uint32(shards))
}
