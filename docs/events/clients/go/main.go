// Submit a lead to Leadflow, wait for the answer, and read what happens to the lead.
// Settings: KAFKA (host:port of a broker), TENANT.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	tenant := os.Getenv("TENANT")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Getenv("KAFKA")),
		// Publishing: acks=all and idempotence are this client's defaults.
		// Reading: a group for each system. Offsets are committed after the work: a crash repeats, and loses none.
		kgo.ConsumerGroup("example-shop-"+tenant),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeTopics("submission.answered", "lead.scored"),
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	eventID := rand.Text()
	lead, _ := json.Marshal(map[string]any{
		"source":      "shop",
		"external_id": eventID,
		"email":       "joan-" + eventID[:8] + "@example.org",
		"first_name":  "Joan",
		"last_name":   "Clarke",
		"job_title":   "Head of Engineering",
	})
	record := &kgo.Record{
		Topic: "lead.submitted",
		Key:   []byte(eventID),
		Value: lead,
		Headers: []kgo.RecordHeader{
			{Key: "ce_specversion", Value: []byte("1.0")},
			{Key: "ce_id", Value: []byte(eventID)}, // a repetition with the same id changes nothing
			{Key: "ce_type", Value: []byte("lead.submitted")},
			{Key: "ce_source", Value: []byte("urn:example:shop")},
			{Key: "ce_time", Value: []byte(time.Now().UTC().Format(time.RFC3339Nano))},
			{Key: "ce_tenantid", Value: []byte(tenant)},
			{Key: "content-type", Value: []byte("application/json")},
		},
	}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		log.Fatal(err)
	}

	leadID, scored := "", false
	for leadID == "" || !scored {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			log.Fatal("Leadflow did not answer within a minute")
		}
		fetches.EachRecord(func(record *kgo.Record) {
			// The correlation id is the id of the event that began it all. Topics are read in any order.
			if header(record, "ce_tenantid") != tenant || header(record, "ce_correlationid") != eventID {
				return
			}
			var data struct {
				Outcome string `json:"outcome"`
				LeadID  string `json:"lead_id"`
				Reason  string `json:"reason"`
				Total   int    `json:"total"`
				Band    string `json:"band"`
			}
			if err := json.Unmarshal(record.Value, &data); err != nil {
				log.Fatal(err)
			}
			if record.Topic == "lead.scored" {
				fmt.Println("scored:", data.Total, data.Band)
				scored = true
				return
			}
			fmt.Println("answered:", data.Outcome)
			if data.Outcome == "refused" {
				log.Fatal("refused: ", data.Reason)
			}
			leadID = data.LeadID
		})
		if err := client.CommitUncommittedOffsets(ctx); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("lead:", leadID)
}

func header(record *kgo.Record, name string) string {
	for _, header := range record.Headers {
		if header.Key == name {
			return string(header.Value)
		}
	}
	return ""
}
