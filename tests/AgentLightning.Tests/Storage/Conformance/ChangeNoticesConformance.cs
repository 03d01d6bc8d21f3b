using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class ChangeNoticesConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    [Fact]
    public async Task Every_server_is_told_of_a_release_that_became_active()
    {
        var other = await Engine.OpenAsync();
        var (here, there) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var first = Get<IChangeNotices>().Subscribe(Deployment.Changes, agent => Told(here, agent));
        using var second = other.GetRequiredService<IChangeNotices>().Subscribe(Deployment.Changes, agent => Told(there, agent));

        await Get<PromoteBase>().ExecuteAsync(Scope.Owner("test"), new PromoteBaseRequest("agent", "model"), Token);

        await here.Task.WaitAsync(Token);
        await there.Task.WaitAsync(Token);

        static void Told(TaskCompletionSource told, string agent)
        {
            if (agent == "agent")
            {
                told.TrySetResult();
            }
        }
    }

    [Fact]
    public async Task What_was_not_written_is_not_told_and_who_let_go_is_told_nothing()
    {
        var told = new List<string>();
        var (done, notices) = (new TaskCompletionSource(), Get<ChangeNotices>());
        notices.Subscribe("topic", _ => told.Add("gone")).Dispose();
        using var listening = notices.Subscribe("topic", subject =>
        {
            told.Add(subject);
            if (subject == "last")
            {
                done.TrySetResult();
            }
        });
        using var others = notices.Subscribe("another topic", _ => told.Add("another"));

        await Assert.ThrowsAsync<LightningException>(() =>
            notices.WriteAsync<int>(_ => throw LightningException.Conflict("no"), "topic", "refused", Token)
        );
        await notices.WriteAsync(_ => Task.FromResult(0), "topic", "last", Token);

        await done.Task.WaitAsync(Token);
        Assert.All(told, subject => Assert.Equal("last", subject));
    }
}
