package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-mfa/mfa"
)

// Each write is one script with one key. It returns whether it wrote, 1 or 0.
// By its first line Redis 7 refuses it before it runs where it could not
// write: a replica would compare with what is out of date. It is sent whole,
// which takes no longer than its digest, and which no server can have
// forgotten.
const (
	// ARGV: the head of the record to replace, or nothing if there must be
	// none; the new value; its life in milliseconds, or nothing for ever.
	putScript = `#!lua
if ARGV[1] == '' then
	if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
elseif redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then
	return 0
end
if ARGV[3] == '' then
	redis.call('SET', KEYS[1], ARGV[2])
else
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1`

	// ARGV: the head of the record to delete.
	deleteScript = `#!lua flags=allow-oom
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`
)

// Record implements mfa.Records.
func (s *Store) Record(ctx context.Context, key string) (mfa.Record, error) {
	value, err := s.client.Get(ctx, s.options.Prefix+key).Result()
	if errors.Is(err, redis.Nil) {
		return mfa.Record{}, fmt.Errorf("redisstore: record: %w", mfa.ErrNotFound)
	}
	if err != nil {
		s.lookAround(ctx)
		return mfa.Record{}, fault("record", err)
	}
	r, err := decode(key, value)
	if err != nil {
		return mfa.Record{}, fault("record", err)
	}
	return r, nil
}

// PutRecord implements mfa.Records.
func (s *Store) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	what, replaced := "create record", []byte{}
	if prev != 0 {
		what, replaced = "update record", head(prev)
	}
	return s.write(ctx, what, putScript, r.Key, replaced, encode(r), s.life(r.ExpiresAt))
}

// DeleteRecord implements mfa.Records.
func (s *Store) DeleteRecord(ctx context.Context, key string, prev int64) error {
	return s.write(ctx, "delete record", deleteScript, key, head(prev))
}

// grace is how long Redis keeps a record after it has expired: longer than any
// two clocks differ.
const grace = time.Hour

// life returns after how many milliseconds Redis may forget a record, or
// nothing for never.
func (s *Store) life(expires time.Time) any {
	if expires.IsZero() {
		return ""
	}
	return max(0, expires.UnixMilli()-s.options.Now().UnixMilli()) + grace.Milliseconds()
}
