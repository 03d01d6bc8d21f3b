using AgentLightning.Client.Tests.Support;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Tests;

/// <summary>What capture allocates on the caller's thread. Bytes are the same on every machine; times are for the benchmark.</summary>
[Collection(nameof(EmitTests))]
public sealed class AllocationTests
{
    private const int Calls = 2_000;

    [Fact]
    public async Task A_call_with_a_tool_call_allocates_at_most_2000_bytes_on_the_callers_thread()
    {
        await using var server = await Receiver.StartAsync();
        var options = Quick.Options(server.Url);
        (options.QueueCapacity, options.BatchDelay) = (100_000, TimeSpan.FromSeconds(1));
        await using var lightning = new LightningClient(options);
        var bare = new Model(
            (_, _) =>
                Task.FromResult(
                    new ChatResponse([
                        new(
                            ChatRole.Assistant,
                            [new FunctionCallContent("t", "find", new Dictionary<string, object?> { ["number"] = 42 })]
                        ),
                        new(ChatRole.Tool, [new FunctionResultContent("t", "on its way")]),
                        new(ChatRole.Assistant, "it comes"),
                    ])
                    {
                        ModelId = "m",
                        Usage = new UsageDetails { TotalTokenCount = 5 },
                    }
                )
        );
        List<ChatMessage> history = [new(ChatRole.System, "be kind"), new(ChatRole.User, "where is 42?")];
        var captured = bare.UseLightning(lightning);
        Measure(captured, history);

        var bytes = Measure(captured, history) - Measure(bare, history);

        Assert.InRange(bytes, 1, 2_000);
        await lightning.FlushAsync();
        Assert.Equal(2 * Calls, server.Taken.Count);
    }

    private static long Measure(IChatClient client, List<ChatMessage> history)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Calls; i++)
        {
            // Completes at once, so that it stays on this thread.
            _ = client.GetResponseAsync(history).GetAwaiter().GetResult();
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / Calls;
    }
}
