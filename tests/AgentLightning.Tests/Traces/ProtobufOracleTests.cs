using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using AgentLightning.Tests.Traces.Oracle;
using AgentLightning.Traces;
using AgentLightning.Traces.Otlp;
using CsCheck;
using Google.Protobuf;

namespace AgentLightning.Tests.Traces;

/// <summary>What Google's library writes is read by ours to the same content, and nothing that can be sent breaks the reading.</summary>
public sealed class ProtobufOracleTests
{
    private const int Deepest = 3;

    private static readonly string[] s_kinds = ["", "internal", "server", "client", "producer", "consumer"];

    private static readonly Gen<string> s_text = Gen.Frequency(
        (8, Gen.String.AlphaNumeric),
        (3, Gen.String.Select(text => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)))),
        (1, Gen.Const("\0 \u0001 \" \\ 🙂 日本")),
        (1, Gen.Const("gen_ai.operation.name"))
    );

    private static readonly Gen<ulong> s_time = Gen.Frequency(
        (1, Gen.Const(0UL)),
        (8, Gen.ULong[1_700_000_000_000_000_000, 1_900_000_000_000_000_000]),
        (1, Gen.ULong)
    );

    private static readonly Gen<ByteString> s_bytes = Gen.Byte.Array[0, 12].Select(ByteString.CopyFrom);

    private static readonly Gen<Span> s_span = Gen.Select(
        Gen.Select(IdOf(16), IdOf(8), Gen.Frequency((1, Gen.Const(ByteString.Empty)), (1, IdOf(8))), s_text, s_text),
        Gen.Select(Gen.Int[0, 7], s_time, s_time, Attributes(Deepest), Gen.Int[0, 3]),
        Gen.Select(EventOf().Array[0, 3], LinkOf().Array[0, 2], s_text, Gen.UInt, Gen.Bool),
        (names, facts, rest) =>
        {
            var span = new Span
            {
                TraceId = names.Item1,
                SpanId = names.Item2,
                ParentSpanId = names.Item3,
                Name = names.Item4,
                TraceState = names.Item5,
                Kind = facts.Item1,
                StartTimeUnixNano = facts.Item2,
                EndTimeUnixNano = facts.Item3,
                DroppedAttributesCount = rest.Item4,
                Flags = rest.Item4,
                Status = rest.Item5 ? new Status { Code = facts.Item5, Message = rest.Item3 } : null,
            };
            span.Attributes.Add(facts.Item4);
            span.Events.Add(rest.Item1);
            span.Links.Add(rest.Item2);
            return span;
        }
    );

    private static readonly Gen<LogRecord> s_log = Gen.Select(
        Gen.Select(IdOf(16), IdOf(8), s_time, s_time),
        Gen.Select(ValueOf(Deepest), Attributes(Deepest), s_text, Gen.Bool),
        (facts, rest) =>
        {
            var log = new LogRecord
            {
                TraceId = facts.Item1,
                SpanId = facts.Item2,
                TimeUnixNano = facts.Item3,
                ObservedTimeUnixNano = facts.Item4,
                Body = rest.Item4 ? rest.Item1 : null,
                // What has nothing to do with agents is not kept.
                EventName = $"gen_ai.{rest.Item3}",
                SeverityText = rest.Item3,
            };
            log.Attributes.Add(rest.Item2);
            return log;
        }
    );

    [Fact]
    public void Spans_that_Google_Protobuf_writes_are_read_to_the_same_content() =>
        Gen.Select(s_span.Array[1, 4], Attributes(1), s_text)
            .Sample(
                (spans, resource, scope) =>
                {
                    using var batch = Read(RequestOf(spans, resource, scope).ToByteArray(), SpanForm.Span);
                    Assert.Empty(batch.Refused);
                    Assert.Equal(spans.Length, batch.Spans.Count);
                    foreach (var (sent, read) in spans.Zip(batch.Spans))
                    {
                        Assert.Equal(Convert.ToHexStringLower(sent.TraceId.Span), read.TraceId);
                        Assert.Equal(Convert.ToHexStringLower(sent.SpanId.Span), read.SpanId);
                        Assert.Equal(sent.ParentSpanId.IsEmpty ? null : Convert.ToHexStringLower(sent.ParentSpanId.Span), read.ParentId);
                        Assert.Equal(
                            (sent.Name, sent.StartTimeUnixNano, sent.EndTimeUnixNano, (ulong)(sent.Status?.Code ?? 0), scope),
                            (read.Name, read.Start, read.End, read.Status, read.Sender.Scope)
                        );
                        AssertSame(JsonOf(sent), batch.BodyOf(read));
                        AssertSame(JsonOf(resource), Encoding.UTF8.GetBytes(read.Sender.ResourceJson));
                    }
                },
                iter: 1_000
            );

    [Fact]
    public void Log_records_that_Google_Protobuf_writes_are_read_to_the_same_content() =>
        s_log
            .Array[1, 4]
            .Sample(
                logs =>
                {
                    var scope = new ScopeLogs();
                    scope.LogRecords.Add(logs);
                    var resource = new ResourceLogs();
                    resource.ScopeLogs.Add(scope);
                    var request = new ExportLogsServiceRequest();
                    request.ResourceLogs.Add(resource);
                    using var batch = Read(request.ToByteArray(), SpanForm.Log);
                    Assert.Empty(batch.Refused);
                    foreach (var (sent, read) in logs.Zip(batch.Spans))
                    {
                        var time = sent.TimeUnixNano == 0 ? sent.ObservedTimeUnixNano : sent.TimeUnixNano;
                        Assert.Equal((sent.EventName, time), (read.Name, read.Start));
                        var body = new JsonObject { ["attributes"] = JsonOf(sent.Attributes) };
                        if (sent.Body is not null)
                        {
                            body["body"] = JsonOf(sent.Body);
                        }

                        AssertSame(body, batch.BodyOf(read));
                    }
                },
                iter: 1_000
            );

    [Fact]
    public void A_request_that_was_cut_or_changed_is_refused_or_read_to_valid_json() =>
        Gen.Select(s_span.Array[1, 3], Gen.Int[0, 10_000], Gen.Select(Gen.Int[0, 10_000], Gen.Byte).Array[0, 4], Gen.Bool)
            .Sample(
                (spans, cut, changes, asLogs) =>
                {
                    var bytes = RequestOf(spans, [], "s").ToByteArray();
                    foreach (var (at, value) in changes)
                    {
                        bytes[at % bytes.Length] = value;
                    }

                    try
                    {
                        var form = asLogs ? SpanForm.Log : SpanForm.Span;
                        using var batch = Read(changes.Length == 0 ? bytes[..(cut % bytes.Length)] : bytes, form);
                        foreach (var span in batch.Spans)
                        {
                            using var body = JsonDocument.Parse(batch.BodyOf(span).ToArray());
                            Assert.Equal(JsonValueKind.Object, body.RootElement.ValueKind);
                        }
                    }
                    catch (OtlpFormatException)
                    {
                        // Told, and nothing is stored.
                    }
                },
                iter: 5_000
            );

    [Fact]
    public void Garbage_is_refused_or_read_to_nothing() =>
        Gen
            .Byte.Array[0, 200]
            .Sample(
                bytes =>
                {
                    try
                    {
                        using var batch = Read(bytes, SpanForm.Span);
                    }
                    catch (OtlpFormatException)
                    {
                        // Told, and nothing is stored.
                    }
                },
                iter: 20_000
            );

    private static OtlpBatch Read(byte[] bytes, SpanForm form)
    {
        var batch = new OtlpBatch(bytes.Length);
        try
        {
            OtlpProtobuf.Read(bytes, form, batch);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    private static ExportTraceServiceRequest RequestOf(Span[] spans, KeyValue[] resource, string scope)
    {
        var scopeSpans = new ScopeSpans { Scope = new InstrumentationScope { Name = scope } };
        scopeSpans.Spans.Add(spans);
        var resourceSpans = new ResourceSpans { Resource = new Resource(), SchemaUrl = "https://opentelemetry.io/schemas/1.40.0" };
        resourceSpans.Resource.Attributes.Add(resource);
        resourceSpans.ScopeSpans.Add(scopeSpans);
        var request = new ExportTraceServiceRequest();
        request.ResourceSpans.Add(resourceSpans);
        return request;
    }

    private static void AssertSame(JsonNode expected, ReadOnlySpan<byte> read)
    {
        using var left = JsonDocument.Parse(expected.ToJsonString());
        using var right = JsonDocument.Parse(read.ToArray());
        Assert.True(
            JsonElement.DeepEquals(left.RootElement, right.RootElement),
            $"expected {expected.ToJsonString()}\nbut read {Encoding.UTF8.GetString(read)}"
        );
    }

    private static JsonObject JsonOf(Span span)
    {
        var json = new JsonObject { ["attributes"] = JsonOf(span.Attributes) };
        PutText(json, "trace_state", span.TraceState);
        PutText(json, "status_message", span.Status?.Message ?? "");
        PutText(json, "kind", span.Kind < s_kinds.Length ? s_kinds[span.Kind] : "");
        if (span.Events.Count > 0)
        {
            json["events"] = new JsonArray([.. span.Events.Select(one => JsonOf(one, span.StartTimeUnixNano))]);
        }

        if (span.Links.Count > 0)
        {
            json["links"] = new JsonArray([.. span.Links.Select(JsonOf)]);
        }

        return json;
    }

    private static JsonObject JsonOf(Span.Types.Event one, ulong start)
    {
        var json = new JsonObject { ["attributes"] = JsonOf(one.Attributes) };
        PutText(json, "name", one.Name);
        if (one.TimeUnixNano != 0)
        {
            json["offset_ns"] = Clock(one.TimeUnixNano) == 0 ? 0 : Clock(one.TimeUnixNano) - Clock(start);
        }

        return json;

        static long Clock(ulong time) => time > long.MaxValue ? 0 : (long)time;
    }

    private static JsonObject JsonOf(Span.Types.Link link)
    {
        var json = new JsonObject { ["attributes"] = JsonOf(link.Attributes) };
        PutText(json, "trace_id", Convert.ToHexStringLower(link.TraceId.Span));
        PutText(json, "span_id", Convert.ToHexStringLower(link.SpanId.Span));
        PutText(json, "trace_state", link.TraceState);
        return json;
    }

    private static JsonObject JsonOf(IEnumerable<KeyValue> attributes) =>
        new(attributes.Select(pair => KeyValuePair.Create(Kept(pair.Key), JsonOf(pair.Value))));

    private static JsonNode? JsonOf(AnyValue? value) =>
        value?.ValueCase switch
        {
            AnyValue.ValueOneofCase.StringValue => Kept(value.StringValue),
            AnyValue.ValueOneofCase.BoolValue => value.BoolValue,
            AnyValue.ValueOneofCase.IntValue => value.IntValue,
            AnyValue.ValueOneofCase.DoubleValue => double.IsFinite(value.DoubleValue) ? value.DoubleValue
            : double.IsNaN(value.DoubleValue) ? "NaN"
            : value.DoubleValue > 0 ? "Infinity"
            : "-Infinity",
            AnyValue.ValueOneofCase.ArrayValue => new JsonArray([.. value.ArrayValue.Values.Select(JsonOf)]),
            AnyValue.ValueOneofCase.KvlistValue => JsonOf(value.KvlistValue.Values),
            AnyValue.ValueOneofCase.BytesValue => Utf8.IsValid(value.BytesValue.Span)
            && !value.BytesValue.Span.ContainsAnyInRange((byte)0, (byte)8)
                ? value.BytesValue.ToStringUtf8()
                : Convert.ToHexStringLower(value.BytesValue.Span),
            _ => null,
        };

    /// <summary>Texts are left out when they are empty, as protobuf leaves them out.</summary>
    private static void PutText(JsonObject json, string name, string text)
    {
        if (text.Length > 0)
        {
            json[name] = Kept(text);
        }
    }

    private static string Kept(string text) => text.Replace('\0', '\ufffd');

    private static Gen<ByteString> IdOf(int length) =>
        Gen.Byte.Array[length].Where(id => id.AsSpan().ContainsAnyExcept((byte)0)).Select(ByteString.CopyFrom);

    private static Gen<AnyValue> ValueOf(int depth)
    {
        (int, Gen<AnyValue>)[] plain =
        [
            (4, s_text.Select(text => new AnyValue { StringValue = text })),
            (2, Gen.Bool.Select(flag => new AnyValue { BoolValue = flag })),
            (2, Gen.Long.Select(number => new AnyValue { IntValue = number })),
            (2, Gen.Double.Select(number => new AnyValue { DoubleValue = number })),
            (2, s_bytes.Select(bytes => new AnyValue { BytesValue = bytes })),
            (1, Gen.Const(0).Select(_ => new AnyValue())),
        ];
        (int, Gen<AnyValue>)[] nested =
            depth == 0 ? [] : [(1, ValueOf(depth - 1).Array[0, 3].Select(ArrayOf)), (1, Attributes(depth - 1).Select(ListOf))];
        return Gen.Frequency<AnyValue>([.. plain, .. nested]);

        static AnyValue ArrayOf(AnyValue[] values)
        {
            var array = new ArrayValue();
            array.Values.Add(values);
            return new AnyValue { ArrayValue = array };
        }

        static AnyValue ListOf(KeyValue[] values)
        {
            var list = new KeyValueList();
            list.Values.Add(values);
            return new AnyValue { KvlistValue = list };
        }
    }

    /// <summary>With names that differ, also after what no store keeps was replaced.</summary>
    private static Gen<KeyValue[]> Attributes(int depth) =>
        Gen.Select(s_text, ValueOf(depth), (key, value) => new KeyValue { Key = key, Value = value })
            .Array[0, 4]
            .Select(pairs => pairs.DistinctBy(pair => Kept(pair.Key)).ToArray());

    private static Gen<Span.Types.Event> EventOf() => Gen.Select(s_time, s_text, Attributes(1), (time, name, attributes) =>
        {
            var one = new Span.Types.Event { TimeUnixNano = time, Name = name };
            one.Attributes.Add(attributes);
            return one;
        });

    private static Gen<Span.Types.Link> LinkOf() => Gen.Select(s_bytes, s_bytes, s_text, Attributes(1), (trace, span, state, attributes) =>
        {
            var link = new Span.Types.Link
            {
                TraceId = trace,
                SpanId = span,
                TraceState = state,
            };
            link.Attributes.Add(attributes);
            return link;
        });
}
