using System.Text;

namespace AgentLightning.ModelServer.Tests;

public sealed class FuturesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_outcome_of_a_promise_stays_and_another_is_no_error()
    {
        var futures = new Futures();
        var id = futures.Promise();

        // As when the samples of one request are there and those of the next fail, because the server is told to end.
        futures.Keep(id, new Outcome(200, Encoding.UTF8.GetBytes("\"drawn\"")));
        futures.Keep(id, new Outcome(503, Encoding.UTF8.GetBytes("\"ending\"")));

        Assert.Equal(200, (await futures.WaitAsync(id, TimeSpan.Zero, TimeProvider.System, Token))!.Status);
    }

    [Fact]
    public async Task Outcomes_that_are_kept_from_many_threads_are_kept_once()
    {
        var futures = new Futures(mostBytes: 8);
        var (first, second) = (futures.Promise(), futures.Promise());

        Parallel.For(0, 16, i => futures.Keep(first, new Outcome(200 + i, new byte[4])));
        futures.Keep(second, new Outcome(200, new byte[4]));

        // Counted twice, the first would have had to go.
        Assert.NotNull(await futures.WaitAsync(first, TimeSpan.Zero, TimeProvider.System, Token));
        Assert.True(futures.IsKept(second));
    }
}
