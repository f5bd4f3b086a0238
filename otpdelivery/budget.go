package otpdelivery

import (
	"encoding/base64"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// The count of a day is spread over rows, so that it is not one row that
// everybody waits for; each has so many messages at least, because the first that
// is full refuses.
const (
	dayShards   = 16
	perDayShard = 1000
)

// charges are the budgets of one message. Those of sign-ins, which anybody may
// ask for, of enrolments, which anybody with an account may ask for, and of
// verifications are apart, so that nobody takes anything from who has more.
// Decoys, to whom nothing is sent, take nothing from anybody.
func (f *Factor) charges(r factor.Request, address string) []factor.Charge {
	scope, user := string(f.channel)+"/"+string(r.Purpose)+"/", r.User.ID
	if r.Decoy != nil {
		scope, user = string(f.channel)+"/decoy/", base64.RawURLEncoding.EncodeToString(r.Decoy)
	}
	l := f.cfg.Limits
	charges := []factor.Charge{
		{Key: scope + "ceremony/" + r.Ceremony, N: 1, Per: l.Cooldown, Ceremony: true},
		{Key: scope + "user/" + user, N: l.PerUser, Per: time.Hour},
		{Key: scope + "address/" + f.channelOf(address), N: l.PerAddress, Per: time.Hour},
	}
	// What is verified goes to numbers that are known already, and neighbours
	// must not keep each other from it.
	if f.channel == SMS && r.Purpose != factor.PurposeVerify {
		charges = append(charges, factor.Charge{Key: scope + "prefix/" + address[:max(0, len(address)-4)], N: l.PerPrefix, Per: 24 * time.Hour})
	}
	shards := max(1, min(dayShards, l.PerDay/perDayShard))
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
