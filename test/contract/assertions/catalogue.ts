import assert from 'node:assert/strict';
import { capabilitiesOf, has } from '../../../functions/drivers/contract/capabilities.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import {
  imageSchema,
  instanceTypeSchema,
  locationSchema,
  offerId,
  offerSchema,
} from '../../../functions/model/cloud.ts';
import { assertions } from '../suite/assertion.ts';
import { assertUnique, inTime, sorted, unusedPort } from '../suite/checks.ts';

export const CATALOGUE = assertions([
  {
    id: 'driver.capabilities',
    title: 'a client has exactly the capabilities that its driver declares',
    async run({ client, driver }) {
      assert.deepEqual(sorted(capabilitiesOf(client)), sorted(driver.capabilities));
      assert.equal(driver.apiKind === 'global', driver.capabilities.includes('global-catalogue'));
    },
  },
  {
    id: 'credential.verified',
    title: 'repeated verifications of a valid credential succeed and return the same result',
    async run(lab) {
      const verified = await inTime('verifyCredential', lab.client.verifyCredential());
      assert.notEqual(verified.account, '');
      assert.notEqual(verified.accountName, '');
      assert.deepEqual(await lab.connect().verifyCredential(), verified);
      assert.deepEqual(await lab.connect({ isTrial: true }).verifyCredential(), verified);
    },
  },
  {
    id: 'credential.trial',
    title:
      'a client with `isTrial` lists the machines of other clients, and the other clients can still read and remove these machines',
    async run(lab) {
      const { location } = lab.cloud;
      const { backendId } = await lab.client.createInstance(await lab.spec());
      await lab.awaitConsistency();
      const trial = lab.connect({ isTrial: true });
      const shown = await lab.until('the trial client lists the machine', async () =>
        (await trial.listInstances(location)).find((one) => one.backendId === backendId),
      );
      assert.equal((await lab.client.getInstance(location, shown.backendId)).backendId, backendId);
      await lab.client.terminateInstance(location, backendId);
    },
  },
  {
    id: 'credential.wrong',
    title: 'a verification or list with a wrong credential fails as Unauthorized',
    async run(lab) {
      const wrong = lab.connect({ credential: lab.cloud.wrongCredential });
      await lab.fails(wrong.verifyCredential(), 'Unauthorized');
      await lab.fails(wrong.listLocations(), 'Unauthorized');
      await lab.fails(wrong.listInstances(lab.cloud.location), 'Unauthorized');
    },
  },
  {
    id: 'credential.incomplete',
    title: 'a credential with a missing or an unknown field is refused before any call',
    async run(lab) {
      const isInvalid = (error: unknown) => error instanceof DriverError && error.code === 'InvalidRequest';
      assert.throws(() => lab.connect({ credential: {} }), isInvalid);
      assert.throws(
        () => lab.connect({ credential: { ...lab.cloud.credential, noSuchField: 'x' } }),
        isInvalid,
      );
    },
  },
  {
    id: 'endpoint.unusable',
    title:
      'an endpoint that is not an http address is refused, and a call to an endpoint without a listener fails as Unavailable',
    async run(lab) {
      assert.throws(
        () => lab.connect({ endpoint: 'ftp://127.0.0.1' }),
        (error: unknown) => error instanceof DriverError && error.code === 'InvalidRequest',
      );
      const unreachable = lab.connect({ endpoint: `http://127.0.0.1:${await unusedPort()}` });
      await lab.fails(inTime('verifyCredential', unreachable.verifyCredential()), 'Unavailable');
      const spec = await lab.spec();
      await lab.fails(inTime('createInstance', unreachable.createInstance(spec)), 'Unavailable');
    },
  },
  {
    id: 'locations.listed',
    title: 'listed locations are unique, valid and stable, and include the locations under test',
    async run({ client, cloud }) {
      const locations = await client.listLocations();
      for (const location of locations) locationSchema.parse(location);
      const names = locations.map(({ name }) => name);
      assertUnique('locations', names);
      const again = await client.listLocations();
      assert.deepEqual(sorted(again.map(({ name }) => name)), sorted(names));
      for (const name of [cloud.location, cloud.secondLocation])
        assert.ok(locations.find((one) => one.name === name)?.available, `${name} is not available`);
    },
  },
  {
    id: 'locations.unknown',
    title: 'a list at an unknown location fails as InvalidRequest or NotFound',
    async run(lab) {
      const { client, cloud } = lab;
      await lab.fails(client.listOffers(cloud.unknownLocation), 'InvalidRequest', 'NotFound');
      await lab.fails(client.listInstances(cloud.unknownLocation), 'InvalidRequest', 'NotFound');
    },
  },
  {
    id: 'offers.listed',
    title: 'listed offers are unique, valid and stable, and the instance type of each offer is listed',
    async run({ client, cloud }) {
      const { instanceTypes, offers } = await client.listOffers(cloud.location);
      for (const type of instanceTypes) instanceTypeSchema.parse(type);
      for (const offer of offers) {
        offerSchema.parse(offer);
        assert.equal(offer.id, offerId(offer.location, offer.zone, offer.instanceType));
        assert.equal(offer.location, cloud.location);
      }
      assertUnique(
        'offers',
        offers.map(({ id }) => id),
      );
      const types = instanceTypes.map(({ name }) => name);
      assertUnique('types', types);
      const offered = new Set(offers.map(({ instanceType }) => instanceType));
      assert.deepEqual(
        [...offered].filter((name) => !types.includes(name)),
        [],
      );
      assert.ok(offered.has(cloud.instanceType), `${cloud.instanceType} is not offered`);
      const again = await client.listOffers(cloud.location);
      assert.deepEqual(sorted(again.offers.map(({ id }) => id)), sorted(offers.map(({ id }) => id)));
    },
  },
  {
    id: 'offers.prices',
    title: 'the instance type under test has a price',
    needs: 'prices',
    async run({ client, cloud }) {
      const { offers } = await client.listOffers(cloud.location);
      const offer = offers.find(({ instanceType }) => instanceType === cloud.instanceType);
      assert.ok((offer?.priceUsdPerHour ?? 0) > 0, `no price of ${cloud.instanceType}`);
    },
  },
  {
    id: 'offers.spot-prices',
    title: 'at least one offer has a spot price',
    needs: 'markets',
    async run({ client, cloud }) {
      const { offers } = await client.listOffers(cloud.location);
      assert.ok(offers.some(({ spotPriceUsdPerHour }) => (spotPriceUsdPerHour ?? 0) > 0));
    },
  },
  {
    id: 'offers.everywhere',
    title:
      'the call for the offers of all locations returns the same offers for a location as the call for that location',
    needs: 'global-catalogue',
    async run({ client, cloud }) {
      assert.ok(has(client, 'global-catalogue'));
      const { offers } = await client.listOffersEverywhere();
      const here = offers.filter(({ location }) => location === cloud.location).map(({ id }) => id);
      const one = await client.listOffers(cloud.location);
      assert.deepEqual(sorted(here), sorted(one.offers.map(({ id }) => id)));
    },
  },
  {
    id: 'images.listed',
    title: 'listed images are valid and stable, have unique names, and include the image under test',
    async run({ client, cloud }) {
      const images = await client.listImages(cloud.location);
      for (const image of images) imageSchema.parse(image);
      assertUnique(
        'images',
        images.map(({ name }) => name),
      );
      assert.ok(
        images.some(({ name }) => name === cloud.image),
        `no image ${cloud.image}`,
      );
      const again = await client.listImages(cloud.location);
      assert.deepEqual(
        sorted(again.map(({ backendId }) => backendId)),
        sorted(images.map(({ backendId }) => backendId)),
      );
    },
  },
]);
