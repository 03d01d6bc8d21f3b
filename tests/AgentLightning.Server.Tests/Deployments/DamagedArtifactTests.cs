using System.Net;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class DamagedArtifactTests(TrainedStore store)
{
    private const string Deployments = "/api/lightning/deployments";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_damaged_model_of_the_active_release_is_a_clear_problem_and_the_release_stays(bool missing)
    {
        using var folder = new TemporaryFolder();
        var path = store.CopyTo(folder);
        string release;
        await using (var first = await ServerUnderTest.StartAsync(path))
        {
            release = (await first.PostAsync(Deployments, new { run_id = store.GoodRun })).GetProperty("deployment_id").GetString()!;
        }

        Damage(store.ArtifactFile(folder, store.GoodRun), missing);
        await using var server = await ServerUnderTest.StartAsync(path);

        var (status, detail) = await FailureAsync(server, "/api/lightning/triage", """{"comment":"x","episode_id":"lost"}""");

        Assert.True(status >= 500, $"a broken server is not the caller's mistake, but the status is {status}");
        Assert.Contains(store.Artifacts[store.GoodRun], detail, StringComparison.Ordinal);
        Assert.Contains("Restore it", detail, StringComparison.Ordinal);
        var active = await server.GetAsync($"{Deployments}/active");
        Assert.Equal(release, active.GetProperty("deployment_id").GetString());
        using var episode = await server.Http.GetAsync("/api/lightning/episodes/lost");
        Assert.Equal(HttpStatusCode.NotFound, episode.StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_with_a_damaged_model_is_not_promoted_and_the_active_release_stays(bool missing)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        var release = (await server.PostAsync(Deployments, new { run_id = store.GoodRun })).GetProperty("deployment_id").GetString();
        Damage(store.ArtifactFile(folder, store.OtherGoodRun), missing);

        var (_, detail) = await FailureAsync(server, Deployments, $$"""{"run_id":"{{store.OtherGoodRun}}","force":true}""");

        Assert.Contains(store.Artifacts[store.OtherGoodRun], detail, StringComparison.Ordinal);
        Assert.Equal(release, (await server.TriageAsync("x")).GetProperty("deployment_id").GetString());
        Assert.Equal(1, (await server.GetAsync(Deployments)).GetProperty("deployments_found").GetInt32());
    }

    [Fact]
    public async Task A_rollback_to_a_damaged_model_is_refused_and_the_active_release_stays()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.PostAsync(Deployments, new { run_id = store.GoodRun });
        var release = (await server.PostAsync(Deployments, new { run_id = store.OtherGoodRun, force = true }))
            .GetProperty("deployment_id")
            .GetString();
        Damage(store.ArtifactFile(folder, store.GoodRun), missing: false);

        await FailureAsync(server, $"{Deployments}/rollback", "{}");

        Assert.Equal(release, (await server.TriageAsync("x")).GetProperty("deployment_id").GetString());
    }

    private static void Damage(string file, bool missing)
    {
        if (missing)
        {
            File.Delete(file);
            return;
        }

        var content = File.ReadAllBytes(file);
        content[^1] ^= 1;
        File.WriteAllBytes(file, content);
    }

    private static async Task<(int Status, string Detail)> FailureAsync(ServerUnderTest server, string path, string body)
    {
        using var response = await server.PostRawAsync(path, body);
        Assert.False(response.IsSuccessStatusCode);
        return ((int)response.StatusCode, await ServerUnderTest.ProblemAsync(response.StatusCode, response));
    }
}
