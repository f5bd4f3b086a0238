package mfahttp

import "time"

// samplePages returns data of every shape for each page. New executes the
// templates with them.
func samplePages(cfg Config) map[string][]any {
	at := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	used := at.Add(26 * time.Hour)
	page := Page{
		Title: "Title", AppName: cfg.AppName, HomeURL: cfg.HomeURL, Prefix: cfg.Prefix, ReturnTo: "/account?tab=1", Active: true,
		Alert: "Too many attempts.", AlertCode: "throttled", RetryAfter: time.Minute,
		Notice: notices["added"], NoticeCode: "added",
	}
	choices := []MethodChoice{
		{Method: methodTOTP, Label: methodLabel(methodTOTP), URL: cfg.Prefix + "/verify?method=totp"},
		{Method: methodLookup, Label: methodLabel(methodLookup), URL: cfg.Prefix + "/verify?method=lookup_secret"},
	}
	panels := []MethodPanel{
		{
			Method: methodTOTP, Label: methodLabel(methodTOTP), Description: methodDescription(methodTOTP), AddURL: cfg.Prefix + "/enroll/totp",
			Credentials: []CredentialRow{{ID: "c1", Name: "My phone", CreatedAt: at, LastUsedAt: &used}, {ID: "c2", Name: "Tablet", CreatedAt: at}},
		},
		{
			Method: methodWebAuthn, Label: methodLabel(methodWebAuthn), Description: methodDescription(methodWebAuthn), AddURL: cfg.Prefix + "/enroll/webauthn",
			Credentials: []CredentialRow{{ID: "c3", Name: "Blue key", CreatedAt: at, Sync: "device", Address: "a•••@e•••.com"}, {ID: "c4", Name: "Laptop", CreatedAt: at, LastUsedAt: &used, Sync: "synced"}},
		},
	}
	panels = append(panels, MethodPanel{Method: methodSMS, Label: methodLabel(methodSMS), AddURL: cfg.Prefix + "/enroll/sms", Contact: true})
	enroll := func(method string) EnrollPage {
		return EnrollPage{
			Page: page, Method: method, Label: methodLabel(method), Name: "My phone",
			Others: choices[:1], BackURL: cfg.Prefix + "/", NextURL: "/account", CodesURL: cfg.Prefix + "/recovery-codes",
		}
	}
	address, sent := enroll(methodSMS), enroll(methodEmail)
	address.Address = "+49 151"
	sent.Ceremony, sent.To, sent.StartURL = "id", "a•••@e•••.com", cfg.Prefix+"/enroll/email"
	begun, shown := enroll(methodTOTP), enroll(methodTOTP)
	begun.Ceremony, shown.Ceremony = "id", "id"
	shown.TOTP = &TOTPSetup{Secret: "AAAA BBBB", URI: "otpauth://totp/x", QR: "<svg></svg>"}
	verify := func(method string, recovery bool) VerifyPage {
		return VerifyPage{
			Page: page, Method: method, Label: methodLabel(method), Recovery: recovery, Others: choices, Allowed: "totp,webauthn",
			RecoveryURL: choices[1].URL, OverviewURL: cfg.Prefix + "/", NextURL: "/account",
		}
	}
	pending, contact := verify(methodTOTP, false), verify(methodEmail, false)
	pending.Active, contact.Active = false, false
	contact.Delivered, contact.Setups, contact.Setup = true, choices[:1], choices[0].Label
	totp, webauthn, code := verify(methodTOTP, false), verify(methodWebAuthn, false), verify(methodLookup, true)
	send, several, asked := verify(methodEmail, false), verify(methodSMS, false), verify(methodEmail, false)
	send.Delivered, several.Delivered, asked.Delivered = true, true, true
	send.Addresses = []Address{{ID: "c5", Text: "a•••@e•••.com"}}
	several.Addresses = []Address{{ID: "c6", Text: "••• 89", Name: "Work"}, {ID: "c7", Text: "••• 12"}}
	asked.Ceremony, asked.To, asked.StartURL = "id", "a•••@e•••.com", cfg.Prefix+"/verify?method=email"
	begin, key := enroll(methodTOTP), enroll(methodWebAuthn)
	return map[string][]any{
		"overview.html": {
			&OverviewPage{},
			&OverviewPage{Page: page, AnyAdd: true, ContinueURL: "/account", Methods: panels, Recovery: &RecoveryPanel{Enrolled: true, Left: 2, Total: 12, Low: true, URL: cfg.Prefix + "/recovery-codes"}},
			&OverviewPage{Page: page, Needs: []string{"Security key or passkey"}, Methods: panels},
			&OverviewPage{Page: page, Restricted: true, AnyAdd: true, Methods: panels[:1], Recovery: &RecoveryPanel{}},
		},
		"enroll.html":         {&EnrollPage{}, &begin, &begun, &shown, &key, &address, &sent},
		"verify.html":         {&VerifyPage{}, &totp, &webauthn, &code, &pending, &contact, &send, &several, &asked},
		"recovery_codes.html": {&RecoveryPage{}, &RecoveryPage{Page: page, Enrolled: true, Left: 4, Total: 12, CanCreate: true, BackURL: "/"}, &RecoveryPage{Page: page, Enrolled: true, CanCreate: true, Codes: []string{"a", "b"}, Ceremony: "id", BackURL: "/"}},
		"signin.html": {
			&SignInPage{},
			&SignInPage{Page: page, Methods: choices, Username: "ada"},
			&SignInPage{Page: page, Methods: choices[:1], Ceremony: "id", StartURL: cfg.Prefix + "/signin"},
		},
		"link.html":  {&LinkPage{}, &LinkPage{Page: page, Elsewhere: true}},
		"error.html": {&ErrorPage{}, &ErrorPage{Page: page, Status: 404, BackURL: "/", BackLabel: "Back"}},
	}
}
