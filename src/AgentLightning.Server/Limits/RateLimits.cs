using System.Globalization;
using System.Net;
using System.Threading.RateLimiting;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Limits;

/// <summary>Limits the requests of each key, or of each client address where no valid key came along, over a sliding minute.</summary>
internal static class RateLimits
{
    public static IServiceCollection AddRateLimits(this IServiceCollection services, LightningServerOptions options)
    {
        services
            .AddOptions<RateLimiterOptions>()
            .Configure<TimeProvider>(
                (limiter, time) =>
                {
                    limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
                    limiter.GlobalLimiter = new SlidingMinute<HttpContext>(context => ShareOf(context, options), time);
                    limiter.OnRejected = RejectAsync;
                }
            );
        return services.AddRateLimiter(_ => { });
    }

    private static RateShare ShareOf(HttpContext context, LightningServerOptions options)
    {
        var address = context.Connection.RemoteIpAddress;
        var near = address is null || IPAddress.IsLoopback(address);
        return new RateShare(
            context.RequestServices.GetRequiredService<Caller>().Key?.Id is { } key ? $"key {key} {near}" : ClientNetwork.Of(address),
            near ? options.LoopbackRateLimit : options.RateLimit
        );
    }

    private static async ValueTask RejectAsync(OnRejectedContext rejected, CancellationToken cancellationToken)
    {
        var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after)
            ? Math.Max(1, Math.Ceiling(after.TotalSeconds))
            : 5;
        rejected.HttpContext.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        await Problems.WriteAsync(
            rejected.HttpContext,
            StatusCodes.Status429TooManyRequests,
            $"Too many requests within a minute. Try again in {wait:0} seconds."
        );
    }
}
