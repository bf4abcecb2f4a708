// Submit a lead to Leadflow, wait for the answer, and read what happens to the lead.
// Needs kafka-clients and jackson-databind. Settings: KAFKA (host:port of a broker), TENANT.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class PublishAndRead {
    static final String KAFKA = System.getenv("KAFKA");
    static final String TENANT = System.getenv("TENANT");
    static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        String eventId = UUID.randomUUID().toString();
        Map<String, Object> reading =
                Map.of(
                        "bootstrap.servers", KAFKA,
                        // A group for each system. Offsets are committed after the work: a crash repeats, and loses none.
                        "group.id", "example-erp-" + TENANT,
                        "auto.offset.reset", "earliest",
                        "enable.auto.commit", false);
        try (var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of("submission.answered", "lead.scored"));
            submit(eventId);
            String leadId = null;
            Integer score = null;
            Instant deadline = Instant.now().plusSeconds(60);
            while ((leadId == null || score == null) && Instant.now().isBefore(deadline)) {
                for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    // The correlation id is the id of the event that began it all. Topics are read in any order.
                    if (!TENANT.equals(header(record, "ce_tenantid"))
                            || !eventId.equals(header(record, "ce_correlationid"))) {
                        continue;
                    }
                    JsonNode data = JSON.readTree(record.value());
                    if (record.topic().equals("submission.answered")) {
                        System.out.println("answered: " + data.get("outcome").asText());
                        if (data.get("outcome").asText().equals("refused")) {
                            throw new IllegalStateException("refused: " + data.get("reason").asText());
                        }
                        leadId = data.get("lead_id").asText();
                    } else {
                        score = data.get("total").asInt();
                        System.out.println("scored: " + score + " " + data.get("band").asText());
                    }
                }
                consumer.commitSync();
            }
            if (leadId == null || score == null) {
                throw new IllegalStateException("Leadflow did not answer within a minute");
            }
            System.out.println("lead: " + leadId);
        }
    }

    static void submit(String eventId) throws Exception {
        Map<String, Object> publishing =
                Map.of("bootstrap.servers", KAFKA, "acks", "all", "enable.idempotence", true);
        Map<String, Object> lead =
                Map.of(
                        "source", "erp",
                        "external_id", eventId,
                        "email", "grace-" + eventId.substring(0, 8) + "@example.org",
                        "first_name", "Grace",
                        "last_name", "Hopper",
                        "job_title", "Head of Engineering");
        var record = new ProducerRecord<String, String>("lead.submitted", eventId, JSON.writeValueAsString(lead));
        Map<String, String> headers =
                Map.of(
                        "ce_specversion", "1.0",
                        "ce_id", eventId, // a repetition with the same id changes nothing
                        "ce_type", "lead.submitted",
                        "ce_source", "urn:example:erp",
                        "ce_time", Instant.now().toString(),
                        "ce_tenantid", TENANT,
                        "content-type", "application/json");
        headers.forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        try (var producer = new KafkaProducer<>(publishing, new StringSerializer(), new StringSerializer())) {
            producer.send(record).get();
        }
    }

    static String header(ConsumerRecord<String, byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
    }
}
