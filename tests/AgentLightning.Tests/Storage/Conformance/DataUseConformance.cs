using AgentLightning.Access;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Storage;
using AgentLightning.Training;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class DataUseConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private static readonly Scope s_owner = Scope.Owner("test");

    [Fact]
    public async Task It_is_known_which_models_learned_from_a_user_a_session_and_an_episode()
    {
        await AddAsync("e1", "s1", "ada");
        await AddAsync("e2", "s1", "ada");
        await AddAsync("e3", "s2", "bob");
        var dataset = await BuildAsync();
        var run = await TrainedAsync("run", dataset.Id, "base", "tuned");
        var further = await TrainedAsync("further", (await AddDatasetAsync("elsewhere")).Id, "tuned", "tuned twice");
        var release = await Get<Promote>().ExecuteAsync(s_owner, new PromoteRequest("agent", further.Id, Force: true), Token);

        var ada = await UseAsync(new DataUseQuery(UserId: "ada"));

        var held = Assert.Single(ada.DataSets);
        Assert.Equal((dataset.Id, 2, 0), (held.DatasetId, held.Episodes, held.ErasedCount));
        Assert.Equal([further.Id, run.Id], ada.TrainingRuns.Select(one => one.TrainingRunId));
        Assert.Equal([release.Id], ada.Releases.Select(one => one.DeploymentId));
        Assert.Equal(2, Assert.Single((await UseAsync(new DataUseQuery(SessionId: "s1"))).DataSets).Episodes);
        Assert.Equal(1, Assert.Single((await UseAsync(new DataUseQuery(EpisodeId: "e3"))).DataSets).Episodes);
        Assert.Equivalent(DataUse.None, await UseAsync(new DataUseQuery(UserId: "nobody")));
        Assert.Equivalent(DataUse.None, await UseAsync(new DataUseQuery(UserId: "ada"), new Scope("key", Role.Read, ["other"])));
    }

    [Fact]
    public async Task A_deletion_names_and_marks_what_held_the_user_once_and_the_question_is_answered_afterwards()
    {
        await AddAsync("e1", "s1", "ada");
        await AddAsync("e2", "s2", "ada");
        await AddAsync("e3", "s3", "bob");
        var dataset = await BuildAsync();
        var run = await TrainedAsync("run", dataset.Id, "base", "tuned");

        var removed = await DeleteAsync(new EpisodeSelection(UserId: "ada"));
        var again = await DeleteAsync(new EpisodeSelection(UserId: "ada"));

        Assert.Equal((2, 0), (removed.Removed, again.Removed));
        Assert.Equal((dataset.Id, 2, 2), Only(removed));
        Assert.Equal([run.Id], removed.TrainingRuns!.Select(one => one.TrainingRunId));
        Assert.Equal((dataset.Id, 2, 2), Only(again));
        Assert.Equal((dataset.Id, 2, 2), Only(await UseAsync(new DataUseQuery(UserId: "ada"))));
        Assert.Equal(2, (await Get<IDatasetStore>().FindAsync(dataset.Id, Token))!.ErasedCount);
        await foreach (var row in Get<DatasetReader>().ReadRowsAsync<ChatRow>(dataset, Token))
        {
            Assert.NotEmpty(row.EpisodeIds);
        }
    }

    [Fact]
    public async Task Texts_alone_that_go_are_marked_too()
    {
        await AddAsync("e1", "s1", "ada");
        var dataset = await BuildAsync();

        var removed = await Get<DeleteEpisodes>().DeleteManyAsync(s_owner, new EpisodeSelection(SessionId: "s1"), "payload", null, Token);

        Assert.Equal((dataset.Id, 1, 1), Only(removed));
    }

    [Fact]
    public async Task A_deletion_of_what_no_data_set_holds_names_none()
    {
        await AddAsync("e1", "s1", "ada");
        await BuildAsync();
        await AddAsync("e2", "s2", "bob");

        var removed = await DeleteAsync(new EpisodeSelection(Ids: ["e2"]));

        Assert.Equal((1, null), (removed.Removed, removed.DataSets));
    }

    private async Task AddAsync(string id, string session, string user)
    {
        await Get<IEpisodeStore>().AddAsync([NewEpisode(id) with { SessionId = session, UserId = user }], Token);
        await Get<IRewardStore>().AddAsync([NewReward("r-" + id, id, 1)], Token);
    }

    private async Task<Dataset> BuildAsync() => (await Get<BuildDataset>().ExecuteAsync(s_owner, new DatasetInput("agent"), Token)).Dataset;

    private async Task<TrainingRun> TrainedAsync(string id, string dataset, string from, string model)
    {
        var runs = Get<ITrainingRunStore>();
        var run = (await AddRunAsync(id, dataset)) with { BaseModel = from };
        await Engine.DamageAsync($"UPDATE training_runs SET base_model = '{from}' WHERE id = @id", id);
        await runs.TryMoveAsync(run with { Status = TrainingStatus.Running }, Token);
        var artifact = await Get<IArtifactStore>().PutAsync(new MemoryStream([1]), Token);
        run = run with { Status = TrainingStatus.Succeeded, TunedModelName = model, Artifact = artifact };
        Assert.True(await runs.TryMoveAsync(run, Token));
        return run;
    }

    private Task<DataUse> UseAsync(DataUseQuery query, Scope? scope = null) =>
        Get<FindDataUse>().ExecuteAsync(scope ?? s_owner, query, Token);

    private Task<EpisodesRemoved> DeleteAsync(EpisodeSelection selection) =>
        Get<DeleteEpisodes>().DeleteManyAsync(s_owner, selection, null, null, Token);

    private static (string, int, int) Only(DataUse use) => Only(use.DataSets);

    private static (string, int, int) Only(EpisodesRemoved removed) => Only(removed.DataSets!);

    private static (string, int, int) Only(IReadOnlyList<UsedDataset> held) =>
        Assert.Single(held) is var one ? (one.DatasetId, one.Episodes, one.ErasedCount) : default;
}
