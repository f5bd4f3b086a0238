// Package sessiontest checks that a session adapter keeps the promises of
// [mfa.Session], for the adapters of this project and for yours:
//
//	func TestSession(t *testing.T) {
//		sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
//			sm := scs.New()
//			session, err := scssession.New(sm, scssession.Config{UserKey: "userID"})
//			if err != nil {
//				t.Fatal(err)
//			}
//			return sessiontest.Harness{
//				Session: session,
//				Wrap:    sm.LoadAndSave,
//				AppUser: func(r *http.Request) string { return sm.GetString(r.Context(), "userID") },
//			}
//		})
//	}
//
// Every check runs against a real HTTPS server on loopback, through browsers
// with cookie jars. Each failure says which promise is broken and what an
// attacker gains from it. What the optional functions of the [Harness] are
// needed for passes without them, and logs "not checked". The package needs
// the standard library only.
package sessiontest
