using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Tests.Episodes;

public sealed class EpisodeIdsTests
{
    [Fact]
    public void Who_sees_one_agent_sees_its_ids_without_the_mark_and_who_sees_several_as_they_lie()
    {
        var marked = EpisodeIds.Marked("order-1", "blue");

        Assert.Equal("order-1", EpisodeIds.Shown(new Scope("key", Role.Read, ["blue"]), marked, "blue"));
        Assert.Equal(marked, EpisodeIds.Shown(new Scope("key", Role.Read, ["blue", "red"]), marked, "blue"));
        Assert.Equal(marked, EpisodeIds.Shown(Scope.Owner("test"), marked, "blue"));
        Assert.Equal(marked, EpisodeIds.Shown(new Scope("key", Role.Read, ["red"]), marked, "red"));
        Assert.Equal(["order-1", marked], EpisodeIds.Places("order-1", ["blue"]));
    }

    [Fact]
    public void Nobody_takes_the_place_of_another_agents_episode()
    {
        var marked = EpisodeIds.Marked("order-1", "blue");

        Assert.Equal(marked, EpisodeIds.CheckGiven(marked, "blue"));
        var error = Assert.Throws<LightningException>(() => EpisodeIds.CheckGiven(marked, "red"));
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains("the mark of an agent", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData(".")]
    [InlineData("..")]
    public void An_id_that_no_address_can_hold_is_refused_when_it_is_new(string id)
    {
        var error = Assert.Throws<LightningException>(() => Ids.CheckAddressable(id, "id"));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains($"'{id}'", error.Message, StringComparison.Ordinal);
        Assert.Equal(id, Ids.Check(id, "id"));
    }

    [Fact]
    public void A_place_in_a_list_is_told_from_an_id_and_holds_what_the_list_is_sorted_by()
    {
        var time = new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero).AddMicroseconds(8);
        var text = PageCursor.After(time, "Grüße:1");

        Assert.Equal(
            (time, "Grüße:1"),
            (DateTimeOffset.UnixEpoch.AddMicroseconds(PageCursor.TryParse(text)!.Value.At), PageCursor.TryParse(text)!.Value.Id)
        );
        Assert.Matches("^[A-Za-z0-9_-]+$", text);
        Assert.All(["", "e1", Guid.NewGuid().ToString("D"), new string('A', 40), text[..^1], "x" + text], id =>
            Assert.Null(PageCursor.TryParse(id))
        );
    }

    [Fact]
    public void A_name_that_is_too_long_is_cut_and_two_that_differ_at_their_end_stay_two()
    {
        var (a, b) = (EpisodeBounds.Fit(new string('x', 4_000) + "a")!, EpisodeBounds.Fit(new string('x', 4_000) + "b")!);

        Assert.Equal((Ids.LongestName, Ids.LongestName), (a.Length, b.Length));
        Assert.NotEqual(a, b);
        Assert.Equal("two lines", EpisodeBounds.Fit("two\nlines"));
        Assert.Equal("short", EpisodeBounds.Fit("short"));
    }
}
