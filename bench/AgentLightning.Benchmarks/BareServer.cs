using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Benchmarks;

/// <summary>A web server that answers one route and does nothing else, in a process of its own: what no server of this platform is below.</summary>
internal static class BareServer
{
    /// <summary>The argument with which this program is that server.</summary>
    public const string Argument = "bare-server";

    /// <summary>The same that answers as a model server does.</summary>
    public const string Upstream = "bare-upstream";

    /// <summary>The same that passes calls on to the address that follows, and does nothing else.</summary>
    public const string Gateway = "bare-gateway";

    /// <summary>Serves on a free port, which it prints, until it is ended.</summary>
    public static Task ServeAsync() => ServeAsync(context => context.Response.WriteAsync("ok"));

    public static async Task ServeAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        await Console.Out.WriteLineAsync($"bare server at {app.Urls.Single()} ");
        await app.WaitForShutdownAsync();
    }

    /// <summary>Starts it.</summary>
    public static Task<ServerProcess> StartAsync() => StartAsync(Argument);

    /// <summary>Starts one of its kinds.</summary>
    public static Task<ServerProcess> StartAsync(params string[] arguments) =>
        ServerProcess.StartAsync([Path.Combine(AppContext.BaseDirectory, "AgentLightning.Benchmarks.dll"), .. arguments]);
}
