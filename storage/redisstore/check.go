package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-mfa/mfa"
)

// Check says at start-up what is missing: it stores, reads and deletes a
// record, and asks every master whether it evicts records and has
// Options.WaitReplicas replicas. A Redis that does not permit INFO is not
// asked.
func (s *Store) Check(ctx context.Context) error {
	var err error
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, s.checkServer)
	case *redis.Client:
		err = s.checkServer(ctx, c)
	}
	if err != nil {
		return fault("check", err)
	}
	return s.probe(ctx)
}

// probe does all that a Store does, once.
func (s *Store) probe(ctx context.Context) error {
	r := mfa.Record{Key: "check/" + rand.Text(), ExpiresAt: s.options.Now().Add(time.Minute), Version: 1}
	if err := s.PutRecord(ctx, r, 0); err != nil {
		return err
	}
	if _, err := s.Record(ctx, r.Key); err != nil {
		return err
	}
	return s.DeleteRecord(ctx, r.Key, r.Version)
}

func (s *Store) checkServer(ctx context.Context, server *redis.Client) error {
	text, err := server.Info(ctx).Result()
	if redis.IsPermissionError(err) || redis.HasErrorPrefix(err, "unknown command") {
		return nil
	}
	if err != nil {
		return err
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if field, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[field] = value
		}
	}
	addr := server.Options().Addr
	if role, ok := info["role"]; ok && role != "master" {
		return fmt.Errorf("%s is a replica: connect to its master, or through Sentinel or a cluster client", addr)
	}
	if policy, ok := info["maxmemory_policy"]; ok && policy != "noeviction" {
		return fmt.Errorf("%s drops running ceremonies when its memory is full: set maxmemory-policy to noeviction instead of %s", addr, policy)
	}
	if n, err := strconv.Atoi(info["connected_slaves"]); err == nil && n < s.options.WaitReplicas {
		return fmt.Errorf("%s has %d replicas, and every write waits for %d: connect more, or lower Options.WaitReplicas", addr, n, s.options.WaitReplicas)
	}
	return nil
}
