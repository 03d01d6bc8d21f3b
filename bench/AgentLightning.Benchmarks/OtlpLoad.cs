using System.Buffers.Binary;
using System.Text.Json;
using AgentLightning.Testing;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Requests of 100 spans of about 2 kB in protobuf: ten traces with an agent, four calls of a model and five of tools each. Ids are new in
/// every request.
/// </summary>
internal sealed class OtlpLoad
{
    public const int SpansOfRequest = 100;
    public const int TracesOfRequest = 10;
    private const int Templates = 8;
    private const long Start = 1_790_000_000_000;
    private readonly List<(byte[] Body, List<int> Offsets)> _templates = [];
    private int _next;

    public OtlpLoad()
    {
        var texts = Feedback.Read().Select(row => row.Text.Body).ToList();
        for (var i = 0; i < Templates; i++)
        {
            var body = OtlpBytes.Request(
                "bench-agent",
                "Bench",
                Enumerable.Range(0, SpansOfRequest).Select(j => SpanOf(i, j, texts)),
                ("service.version", "1.0.0"),
                ("host.name", "bench")
            );
            _templates.Add((body, OffsetsOf(body)));
        }
    }

    public double BytesOfSpan => _templates.Average(template => template.Body.Length) / SpansOfRequest;

    /// <summary>Sends requests over so many connections.</summary>
    public async Task SendAsync(Uri server, int requests, int connections)
    {
        var sent = 0;
        await Task.WhenAll(
            Enumerable
                .Range(0, connections)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        using var connection = new OtlpConnection(server);
                        // Only the ids of the traces change.
                        var bodies = _templates.ConvertAll(template => (byte[])template.Body.Clone());
                        while (Interlocked.Increment(ref sent) <= requests)
                        {
                            var number = Interlocked.Increment(ref _next);
                            await connection.PostAsync(Renewed(bodies[number % Templates], _templates[number % Templates].Offsets, number));
                        }
                    })
                )
        );
    }

    /// <summary>A request of its own, with traces that no other has.</summary>
    public byte[] Next()
    {
        var number = Interlocked.Increment(ref _next);
        return Renewed((byte[])_templates[number % Templates].Body.Clone(), _templates[number % Templates].Offsets, number);
    }

    private static byte[] Renewed(byte[] body, List<int> offsets, int number)
    {
        foreach (var offset in offsets)
        {
            // Spread as random ids are.
            BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(offset), (uint)number * 2_654_435_761u);
            BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(offset + 4), number);
        }

        return body;
    }

    private static byte[] SpanOf(int template, int number, List<string> texts)
    {
        var (trace, place) = (number / (SpansOfRequest / TracesOfRequest), number % (SpansOfRequest / TracesOfRequest));
        var traceId = $"feedfeedfeedfeed{template:x8}{trace + 1:x8}";
        var (spanId, parent) = ($"{place + 1:x16}", place == 0 ? null : $"{1:x16}");
        string Words(int seed, int length)
        {
            var text = string.Join(
                ' ',
                Enumerable.Range(0, 20).Select(i => texts[((template * 977) + (number * 31) + seed + i) % texts.Count])
            );
            return text[..Math.Min(length, text.Length)];
        }

        var at = Start + (trace * 1000) + (place * 50);
        return place switch
        {
            0 => OtlpBytes.Span(
                traceId,
                spanId,
                null,
                "invoke_agent bench",
                at,
                900,
                [
                    ("gen_ai.operation.name", "invoke_agent"),
                    ("gen_ai.agent.name", "bench"),
                    ("gen_ai.conversation.id", $"session-{template}-{trace}"),
                    ("gen_ai.system_instructions", Parts(Words(1, 1_400))),
                ]
            ),
            < 5 => OtlpBytes.Span(
                traceId,
                spanId,
                parent,
                "chat model-a",
                at,
                40,
                [
                    ("gen_ai.operation.name", "chat"),
                    ("gen_ai.provider.name", "openai"),
                    ("gen_ai.request.model", "model-a"),
                    ("gen_ai.response.model", "model-a-2026"),
                    ("gen_ai.usage.input_tokens", 412L),
                    ("gen_ai.usage.output_tokens", 87L),
                    ("gen_ai.request.temperature", 0.7),
                    ("gen_ai.response.finish_reasons", new[] { "stop" }),
                    (
                        "gen_ai.input.messages",
                        JsonSerializer.Serialize(
                            new[] { new { role = "user", parts = new[] { new { type = "text", content = Words(2, 700) } } } }
                        )
                    ),
                    (
                        "gen_ai.output.messages",
                        JsonSerializer.Serialize(
                            new[]
                            {
                                new
                                {
                                    role = "assistant",
                                    parts = new[] { new { type = "text", content = Words(3, 450) } },
                                    finish_reason = "stop",
                                },
                            }
                        )
                    ),
                ]
            ),
            _ => OtlpBytes.Span(
                traceId,
                spanId,
                parent,
                "execute_tool search",
                at,
                20,
                [
                    ("gen_ai.operation.name", "execute_tool"),
                    ("gen_ai.tool.name", "search"),
                    ("gen_ai.tool.call.id", $"call_{place}"),
                    ("gen_ai.tool.type", "function"),
                    ("gen_ai.tool.call.arguments", JsonSerializer.Serialize(new { query = Words(4, 120), limit = 5 })),
                    ("gen_ai.tool.call.result", Words(5, 1_500)),
                ]
            ),
        };
    }

    private static string Parts(string text) => JsonSerializer.Serialize(new[] { new { type = "text", content = text } });

    private static List<int> OffsetsOf(byte[] body)
    {
        var (offsets, mark) = (new List<int>(), Convert.FromHexString("feedfeedfeedfeed"));
        for (var at = 0; body.AsSpan(at).IndexOf(mark) is >= 0 and var found; at += found + 1)
        {
            offsets.Add(at + found);
        }

        return offsets.Count == SpansOfRequest
            ? offsets
            : throw new InvalidOperationException($"{offsets.Count} trace ids in a request of {SpansOfRequest} spans.");
    }
}
