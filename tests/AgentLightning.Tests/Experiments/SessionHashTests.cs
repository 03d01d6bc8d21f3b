using System.Security.Cryptography;
using System.Text;
using AgentLightning.Experiments;

namespace AgentLightning.Tests.Experiments;

public sealed class SessionHashTests
{
    [Fact]
    public void Anybody_can_repeat_it()
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes("experiment:sitzung ü"));
        double[] shares = [0.6, 0.3, 0.1];
        var scores = shares.Select((share, i) => -Math.Log((BitConverter.ToUInt32(hash, 4 * i) + 0.5) / 4294967296.0) / share).ToList();

        var (variant, session) = SessionHash.Choose("experiment", "sitzung ü", shares);

        Assert.Equal((scores.IndexOf(scores.Min()), BitConverter.ToInt64(hash)), (variant, session));
    }

    [Fact]
    public void Sessions_come_as_the_shares_say()
    {
        double[] shares = [0.5, 0.3, 0.15, 0.05];
        var counts = new int[4];
        for (var i = 0; i < 20_000; i++)
        {
            counts[SessionHash.Choose("x", $"session-{i}", shares).Variant]++;
        }

        Assert.All(shares.Zip(counts), pair => Assert.InRange(pair.Second / 20_000.0, pair.First - 0.012, pair.First + 0.012));
    }

    [Fact]
    public void A_variant_whose_share_rises_keeps_every_session_it_had()
    {
        for (var i = 0; i < 5_000; i++)
        {
            var before = SessionHash.Choose("x", $"{i}", [0.8, 0.2]).Variant;
            var after = SessionHash.Choose("x", $"{i}", [0.5, 0.5]).Variant;

            Assert.True(before == 0 || after == 1);
        }
    }

    [Fact]
    public void Two_experiments_split_the_same_sessions_apart_from_each_other()
    {
        var both = Enumerable
            .Range(0, 10_000)
            .Count(i =>
                SessionHash.Choose("a", $"{i}", [0.5, 0.5]).Variant == 1 && SessionHash.Choose("b", $"{i}", [0.5, 0.5]).Variant == 1
            );

        Assert.InRange(both, 2_350, 2_650);
    }

    [Fact]
    public void What_has_no_share_gets_no_session_and_a_long_name_is_taken()
    {
        for (var i = 0; i < 1_000; i++)
        {
            Assert.Equal(1, SessionHash.Choose("x", $"{i}", [0, 1, 0]).Variant);
        }

        Assert.InRange(SessionHash.Choose("x", new string('ü', 5_000), [0.5, 0.5]).Variant, 0, 1);
    }
}
