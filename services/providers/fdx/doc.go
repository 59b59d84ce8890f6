// Package fdx speaks with banks that offer the Financial Data Exchange API (FDX v6; v5's wrapped objects too) behind
// OAuth 2.0 with discovery. It implements providers.Access and providers.Data.
//
// Rules it holds, whatever the bank answers:
//   - The metadata's issuer is exactly the one declared, its endpoints are URLs a bank may have, and an old copy is kept
//     when a new one cannot be had (OA-4). PKCE S256 always, whether the bank announces it or not (OA-2).
//   - One token request per call, never repeated, its answer read strictly: one JSON object, no key twice, a life in
//     whole seconds within reason (OA-10).
//   - Whose login it is stands in the identity token, once that is checked; userinfo is not asked (OA-9).
//   - The access token goes to the declared API's origin only, and so do links to a next page (OA-16).
//   - Amounts never pass through a float: JSON numbers and strings are read as decimals (OA-22).
//   - Texts go to the ledger as they came (XS-1).
//
// It keeps nothing but the metadata (for an hour, in services/cache), and knows no database and no person.
package fdx
