using System.Text;
using AgentLightning.Server.Gateway;

namespace AgentLightning.Server.Tests.Gateway;

public sealed class SseBufferTests
{
    private const string Sent =
        "\uFEFF: hello\n\nevent: a\ndata: eins\n\ndata:zwei\r\nid: 1\r\n\r\ndata: drei\rdata: und vier\r\rdata: fünf 🚇\n\n\ndata: sechs";

    [Fact]
    public void Events_are_the_same_wherever_the_bytes_are_divided()
    {
        var bytes = Encoding.UTF8.GetBytes(Sent);
        var whole = Read(bytes, bytes.Length);

        Assert.Equal([":", "a:eins", ":zwei", ":drei\nund vier", ":fünf 🚇", ":", ":sechs"], whole.Events);
        for (var size = 1; size < bytes.Length; size++)
        {
            var parts = Read(bytes, size);
            Assert.Equal((size, string.Join('|', whole.Events)), (size, string.Join('|', parts.Events)));
            // Nothing of the bytes is lost or told twice.
            Assert.Equal(bytes, parts.Bytes);
        }
    }

    [Fact]
    public void An_event_that_is_too_long_is_told()
    {
        using var events = new SseBuffer();
        var taken = 0L;
        while (events.TryFree(out var room))
        {
            room.Span.Fill((byte)'x');
            events.Add(room.Length);
            taken += room.Length;
            Assert.False(events.TryNext(out _));
        }

        Assert.InRange(taken, SseBuffer.LongestEvent, 3L * SseBuffer.LongestEvent);
    }

    [Theory]
    [InlineData("""{"a":1,"token_ids":[1,2]}""", """{"a":1}""")]
    [InlineData("""{ "token_ids" : [1] , "a":1}""", """{  "a":1}""")]
    [InlineData("""{"token_ids":[1]}""", """{}""")]
    [InlineData("""{"token_ids":[1],"prompt_token_ids":null,"a":1}""", """{"a":1}""")]
    [InlineData(
        """{"choices":[{"token_ids":[1],"text":"token_ids\""},{"text":"b","token_ids":null}],"more":{"token_ids":[9]}}""",
        """{"choices":[{"text":"token_ids\""},{"text":"b"}],"more":{"token_ids":[9]}}"""
    )]
    [InlineData("""{"token_ids":[1""", """{"token_ids":[1""")]
    public void Token_ids_are_cut_out_and_nothing_else(string given, string left)
    {
        using var written = new PooledBuffer();

        JsonCut.WithoutTokenIds(Encoding.UTF8.GetBytes(given), written);

        Assert.Equal(left, Encoding.UTF8.GetString(written.Span));
    }

    [Fact]
    public void Waits_are_random_within_a_bound_that_doubles_and_what_the_upstream_asks_for_counts_more()
    {
        var (longest, random) = (TimeSpan.FromSeconds(5), new Random(1));
        for (var retry = 1; retry < 12; retry++)
        {
            var waits = Enumerable.Range(0, 200).Select(_ => RetryRules.Wait(null, retry, longest, random)!.Value.TotalSeconds).ToList();
            var bound = Math.Min(0.25 * Math.Pow(2, retry - 1), 5);
            Assert.All(waits, wait => Assert.InRange(wait, 0, bound));
            Assert.InRange(waits.Average(), bound * 0.4, bound * 0.6);
        }

        Assert.Equal(TimeSpan.FromSeconds(3), RetryRules.Wait(TimeSpan.FromSeconds(3), 1, longest, random));
        Assert.Null(RetryRules.Wait(TimeSpan.FromSeconds(6), 1, longest, random));
    }

    private static (List<string> Events, byte[] Bytes) Read(byte[] bytes, int size)
    {
        using var events = new SseBuffer();
        var (read, passed) = (new List<string>(), new List<byte>());
        foreach (var part in bytes.Chunk(size))
        {
            Assert.True(events.TryFree(out var room));
            part.CopyTo(room);
            events.Add(part.Length);
            while (events.TryNext(out var one))
            {
                Take(one);
            }
        }

        if (events.TryLast(out var last))
        {
            Take(last);
        }

        return (read, [.. passed]);

        void Take(SseEvent one)
        {
            read.Add(
                $"{Encoding.UTF8.GetString(events.NameOf(one))}:{(one.DataLines == 0 ? "" : Encoding.UTF8.GetString(events.DataOf(one)))}"
            );
            passed.AddRange(events.Of(one.Start, one.Length));
        }
    }
}
