package redisstore_test

import (
	"context"
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/storage/redisstore"
)

func ExampleNew() {
	ctx := context.Background()
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: "mymaster", SentinelAddrs: []string{"sentinel-1:26379", "sentinel-2:26379", "sentinel-3:26379"},
	})
	ceremonies, err := redisstore.New(client, redisstore.Options{WaitReplicas: 1})
	if err != nil {
		log.Fatal(err)
	}
	if err := ceremonies.Check(ctx); err != nil {
		log.Fatal(err)
	}
	durable := memory.New() // in an app: its database, by package sqlstore
	cfg := mfa.Config{Store: storage.Split(durable, ceremonies)}
	_ = cfg // and so on, to mfa.New
}

func ExampleNew_refusals() {
	_, err := redisstore.New(redis.NewClient(&redis.Options{Addr: "localhost:6379"}), redisstore.Options{Prefix: "my app"})
	fmt.Println(err)
	// Output: redisstore: Options.Prefix is "my app": use letters, digits and . _ : -, at most 64
}
