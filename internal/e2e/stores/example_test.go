package stores

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	"github.com/go-mfa/mfa/storage/sqlstore"
)

func Example_sqlstore() {
	db, err := sql.Open("sqlite", ":memory:") // an app gives its file, in WAL mode
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(1)

	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{TablePrefix: "app_mfa_"})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(context.Background()); err != nil { // or apply sqlstore.Schema
		log.Fatal(err)
	}
	fmt.Println(store.Check(context.Background()), db.Close())
	// Output: <nil> <nil>
}
